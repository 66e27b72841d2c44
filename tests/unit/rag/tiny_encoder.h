/// A tiny random BERT in a folder as sentence-transformers writes it, for tests without a download.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "support/files.h"

namespace nibble::rag::testing {

/// 2 layers of 2 heads, 32 dimensions, 40 positions, texts of at most 16 tokens. Words: single letters
/// "a" … "z", "cat", "dog", and the continuations "##a" … "##z"; everything else is [UNK].
class TinyEncoder {
 public:
  explicit TinyEncoder(const std::string& pooling = "mean");
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }

  static constexpr std::size_t kDims = 32;
  static constexpr std::size_t kMaxTokens = 16;
  static constexpr int kCls = 1, kSep = 2, kUnknown = 3;

 private:
  nibble::testing::TempFolder folder_;
};

}  // namespace nibble::rag::testing
