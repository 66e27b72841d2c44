/// An importance matrix as llama.cpp keeps it: for each weight the mean square of each input.
///
///   GGUF     general.type "imatrix"; NAME.in_sum2 f32 [1, cols] and NAME.counts f32 [1, 1]:
///            mean = in_sum2 / counts
///   legacy   n entries of (name, calls, values): mean = values / calls
///
/// Names are those of GGUF tensors, "blk.3.ffn_up.weight".
///
/// Errors     kCorruptData for a file that is neither, sums and counts that do not fit together,
///            values that are no squares; kUnsupported for experts; those of opening files
/// Source     docs/formats/imatrix.md
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nibble::io {

class ImportanceFile {
 public:
  static Result<ImportanceFile> open(const std::filesystem::path& path);

  /// Empty where the file has nothing on this tensor.
  [[nodiscard]] std::span<const float> find(std::string_view gguf_name) const;
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// SHA-256 of the file.
  [[nodiscard]] const std::string& hash() const noexcept { return hash_; }

 private:
  std::map<std::string, std::vector<float>, std::less<>> entries_;
  std::string hash_;
};

}  // namespace nibble::io
