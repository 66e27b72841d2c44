/// Where tests find files. What is missing is skipped by name, never passed silently.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace nibble::testing {

/// A golden file ("engine/smollm2.json"): tests/golden first, then $NIBBLE_GOLDEN, then the
/// configured folder.
std::optional<std::filesystem::path> golden(std::string_view name);
/// The folder of evaluation data: $NIBBLE_DATA, then the configured folder.
std::optional<std::filesystem::path> data_folder();
/// The demo model: $NIBBLE_DEMO_MODEL, then the cache that scripts/get-demo-model fills.
std::optional<std::filesystem::path> demo_model();
/// Another model file by name in $NIBBLE_MODELS (optional models that only some machines have).
std::optional<std::filesystem::path> other_model(std::string_view file_name);
/// A file of the repository.
std::filesystem::path source_path(std::string_view relative);
/// The built program.
std::filesystem::path program();

/// A fresh folder, removed at the end.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& path, std::string_view content);
std::string read_file(const std::filesystem::path& path);

struct CommandResult {
  int exit_code = 0;
  std::string out, err;
};
/// Runs the built program with arguments as a shell would split them; `input` goes to its stdin.
CommandResult run_program(std::string_view arguments, std::string_view input = {});

}  // namespace nibble::testing

/// Declares `name` as the path of a file, or skips the test and says which file it wanted.
#define NIBBLE_NEEDS_FILE(name, lookup)                        \
  const auto name##_found = (lookup);                          \
  if (!name##_found) {                                         \
    GTEST_SKIP() << "needs a file that is not here: " #lookup; \
  }                                                            \
  const std::filesystem::path name = *name##_found
