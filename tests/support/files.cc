#include "support/files.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace nibble::testing {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> existing(const fs::path& path) {
  return fs::exists(path) ? std::optional(path) : std::nullopt;
}

std::optional<fs::path> from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? std::optional<fs::path>(value) : std::nullopt;
}

fs::path cache_folder() {
  if (const auto cache = from_environment("XDG_CACHE_HOME")) {
    return *cache / "nibble";
  }
  return from_environment("HOME").value_or("/root") / ".cache" / "nibble";
}

}  // namespace

std::optional<fs::path> golden(std::string_view name) {
  for (const fs::path& folder : {fs::path(NIBBLE_SOURCE_DIR) / "tests" / "golden",
                                 from_environment("NIBBLE_GOLDEN").value_or(""),
                                 fs::path(NIBBLE_GOLDEN_DIR)}) {
    if (auto found = existing(folder / name); found && !folder.empty()) {
      return found;
    }
  }
  return std::nullopt;
}

std::optional<fs::path> data_folder() {
  if (const auto folder = from_environment("NIBBLE_DATA")) {
    return existing(*folder);
  }
  return existing(NIBBLE_DATA_DIR);
}

std::optional<fs::path> demo_model() {
  if (const auto path = from_environment("NIBBLE_DEMO_MODEL")) {
    return existing(*path);
  }
  return existing(cache_folder() / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf");
}

std::optional<fs::path> other_model(std::string_view file_name) {
  const auto folder = from_environment("NIBBLE_MODELS");
  return folder ? existing(*folder / file_name) : std::nullopt;
}

fs::path source_path(std::string_view relative) {
  return fs::path(NIBBLE_SOURCE_DIR) / relative;
}

fs::path program() {
  return NIBBLE_PROGRAM;
}

TempFolder::TempFolder() {
  std::string pattern = (fs::temp_directory_path() / "nibble-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("mkdtemp failed");
  }
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write_file(const fs::path& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file) {
    throw std::runtime_error("cannot write " + path.string());
  }
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

CommandResult run_program(std::string_view arguments, std::string_view input) {
  const TempFolder folder;
  write_file(folder / "in", input);
  const std::string command = program().string() + " " + std::string(arguments) + " < " +
                              (folder / "in").string() + " > " + (folder / "out").string() +
                              " 2> " + (folder / "err").string();
  const int status = std::system(command.c_str());
  CommandResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = read_file(folder / "out");
  result.err = read_file(folder / "err");
  return result;
}

}  // namespace nibble::testing
