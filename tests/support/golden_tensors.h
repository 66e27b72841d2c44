/// Tensors of a golden safetensors file, widened to what tests compare. Independent of the reader
/// that it helps to test.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nibble::testing {

struct GoldenTensor {
  std::string dtype;  ///< "F32", "F16", "U8", "I8", "I32"
  std::vector<std::size_t> shape;
  std::vector<float> values;         ///< every dtype above is exact in float32 (I32 below 2^24)
  std::vector<double> doubles = {};  ///< of F64, whose `values` are rounded

  [[nodiscard]] std::size_t rows() const { return shape.size() == 2 ? shape[0] : 1; }
  [[nodiscard]] std::size_t cols() const { return shape.empty() ? 1 : shape.back(); }
};

class GoldenTensors {
 public:
  explicit GoldenTensors(const std::filesystem::path& path);
  [[nodiscard]] bool has(std::string_view name) const { return tensors_.contains(name); }
  [[nodiscard]] const GoldenTensor& at(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::map<std::string, GoldenTensor, std::less<>> tensors_;
};

}  // namespace nibble::testing
