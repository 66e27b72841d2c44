#include "tensor/dtype.h"

#include <array>

namespace nibble {
namespace {

struct Row {
  DType dtype;
  std::string_view name;
};

constexpr std::array kRows = {
    Row{DType::kF64, "F64"},
    Row{DType::kF32, "F32"},
    Row{DType::kF16, "F16"},
    Row{DType::kBF16, "BF16"},
    Row{DType::kI64, "I64"},
    Row{DType::kI32, "I32"},
    Row{DType::kI16, "I16"},
    Row{DType::kI8, "I8"},
    Row{DType::kU8, "U8"},
    Row{DType::kBool, "BOOL"},
};

}  // namespace

std::string_view dtype_name(DType t) noexcept {
  for (const Row& row : kRows) {
    if (row.dtype == t) {
      return row.name;
    }
  }
  return "?";
}

std::optional<DType> dtype_from_name(std::string_view name) noexcept {
  for (const Row& row : kRows) {
    if (row.name == name) {
      return row.dtype;
    }
  }
  return std::nullopt;
}

}  // namespace nibble
