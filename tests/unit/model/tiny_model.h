/// A tiny random model with a tokenizer of single characters, for tests that need no golden values.
#pragma once

#include <filesystem>
#include <string>

#include "support/files.h"

namespace nibble::model::testing {

/// "tests/golden/model/<name>": config.json and model.safetensors of a tiny random model.
std::filesystem::path tiny_folder(const std::string& name);

/// A copy of a tiny model's folder with a tokenizer: token 0 ends an answer, 1 … 94 are the
/// characters '!' … '~', 95 is a blank.
class TinyCopy {
 public:
  explicit TinyCopy(const std::string& name = "qwen3");
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return folder_ / name;
  }

 private:
  nibble::testing::TempFolder folder_;
};

}  // namespace nibble::model::testing
