#include "quant/unpacked.h"

#include <algorithm>

#include "codec/int_group.h"
#include "codec/nf4.h"

namespace nibble::quant {
namespace {

using codec::Part;

template <class T>
Part part(std::string name, DType dtype, Shape shape, std::span<const T> values) {
  return {std::move(name), Tensor::from<T>(dtype, std::move(shape), values)};
}

std::vector<Part> integer_parts(const codec::EncodedMatrix& matrix,
                                const codec::IntGroupFormat& format) {
  const auto unpacked = codec::unpack_int_group(matrix);
  const Shape groups{matrix.rows, format.n_groups(matrix.cols)};
  std::vector<Part> out;
  out.push_back(
      part<std::uint8_t>("codes", DType::kU8, {matrix.rows, matrix.cols}, unpacked.codes));
  out.push_back(part<float>("scales", DType::kF32, groups, unpacked.scales));
  if (format.zero == codec::ZeroKind::kFloat) {
    out.push_back(part<float>("zeros", DType::kF32, groups, unpacked.zeros));
  } else {
    std::vector<std::uint8_t> zeros(unpacked.zeros.size());
    std::ranges::transform(
        unpacked.zeros, zeros.begin(), [](float z) { return static_cast<std::uint8_t>(z); });
    out.push_back(part<std::uint8_t>("zeros", DType::kU8, groups, zeros));
  }
  if (format.is_permuted) {
    std::vector<std::int32_t> group_of(matrix.cols);
    for (std::size_t p = 0; p < matrix.cols; ++p) {
      group_of[unpacked.order[p]] = static_cast<std::int32_t>(p / format.group);
    }
    out.push_back(part<std::int32_t>("g_idx", DType::kI32, {matrix.cols}, group_of));
  }
  return out;
}

std::vector<Part> codebook_parts(const codec::EncodedMatrix& matrix,
                                 const codec::CodebookFormat& format) {
  const auto unpacked = codec::unpack_codebook(matrix);
  std::vector<Part> out;
  out.push_back(
      part<std::uint8_t>("codes", DType::kU8, {matrix.rows, matrix.cols}, unpacked.codes));
  out.push_back(
      part<float>("codebook", DType::kF32, {16}, codec::codebook_values(format.codebook)));
  if (!format.nested) {
    out.push_back(part<float>("absmax", DType::kF32, {unpacked.absmax.size()}, unpacked.absmax));
    return out;
  }
  std::vector<float> absmax(unpacked.absmax_u8.size());
  for (std::size_t b = 0; b < absmax.size(); ++b) {
    absmax[b] = codec::dynamic_map()[unpacked.absmax_u8[b]] *
                    unpacked.nested_absmax[b / codec::kNestedBlock] +
                unpacked.nested_offset;
  }
  out.push_back(part<float>("absmax", DType::kF32, {absmax.size()}, absmax));
  out.push_back(part<std::uint8_t>("absmax_u8", DType::kU8, {absmax.size()}, unpacked.absmax_u8));
  out.push_back(part<float>(
      "nested_absmax", DType::kF32, {unpacked.nested_absmax.size()}, unpacked.nested_absmax));
  out.push_back(
      part<float>("nested_offset", DType::kF32, {1}, std::vector{unpacked.nested_offset}));
  return out;
}

}  // namespace

std::vector<Part> unpacked_parts(const codec::EncodedMatrix& matrix) {
  std::vector<Part> out;
  if (const auto* format = codec::int_group_format(*matrix.codec)) {
    out = integer_parts(matrix, *format);
  } else if (const auto* codebook = codec::codebook_format(*matrix.codec)) {
    out = codebook_parts(matrix, *codebook);
  } else {
    out = matrix.parts;
  }
  out.push_back(part<float>(
      "dequantized", DType::kF32, {matrix.rows, matrix.cols}, codec::decode_all(matrix)));
  return out;
}

}  // namespace nibble::quant
