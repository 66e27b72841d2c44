/// The golden files of the quantizers: the full set where there is one, else the small copy in the
/// repository.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "support/files.h"
#include "support/golden_tensors.h"
#include "tensor/matrix_view.h"

namespace nibble::testing {

inline std::optional<std::filesystem::path> quant_golden(std::string_view name) {
  const auto full = golden("quant/" + std::string(name));
  return full ? full : golden("quant/small/" + std::string(name));
}

inline MatrixView<const float> matrix(const GoldenTensor& tensor) {
  return {tensor.values.data(), tensor.rows(), tensor.cols()};
}

/// The first rows of a matrix.
inline MatrixView<const float> matrix(const GoldenTensor& tensor, std::size_t rows) {
  return matrix(tensor).rows_from(0, rows);
}

}  // namespace nibble::testing
