/// What tests of packed formats share: matrices of nibble's codecs, and failures as messages.
#pragma once

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "codec/int_group.h"
#include "io/formats/packed_format.h"
#include "tensor/half.h"

namespace nibble::io {

/// Codes, scales and zeros that are all used; scales are float16 values of both signs.
inline codec::EncodedMatrix some_integers(std::string_view codec_name,
                                          std::size_t rows,
                                          std::size_t cols,
                                          std::size_t least_zero = 0) {
  const codec::IntGroupFormat format = codec::int_group_from_name(codec_name).value();
  codec::IntGroupCodes codes;
  const std::size_t n_codes = format.max_code() + std::size_t{1};
  for (std::size_t i = 0; i < rows * cols; ++i) {
    codes.codes.push_back(static_cast<std::uint8_t>((i * 7 + i / cols) % n_codes));
  }
  for (std::size_t i = 0; i < rows * format.n_groups(cols); ++i) {
    const float scale = std::sin(static_cast<float>(i + 1)) / 16.0F;
    codes.scales.push_back(f16_to_f32(f32_to_f16(scale)));
    codes.zeros.push_back(format.zero == codec::ZeroKind::kMiddle
                              ? static_cast<float>(format.middle())
                              : static_cast<float>(least_zero + i * 5 % (n_codes - least_zero)));
  }
  for (std::size_t p = 0; format.is_permuted && p < cols; ++p) {
    codes.order.push_back(static_cast<std::uint32_t>(cols - 1 - p));
  }
  return codec::pack_int_group(format, rows, cols, codes);
}

/// Written as `target` and read back by the settings that the writer gives.
inline codec::EncodedMatrix there_and_back(std::string_view target,
                                           const codec::EncodedMatrix& matrix) {
  const PackedFormat& format = packed_format_of_target(target);
  const auto writer = format.create(target);
  const PackedTensors tensors = writer->write("m", matrix);
  return format.open(writer->settings())->read(tensors);
}

/// The message of the Error that `f` throws; "" when it throws none.
inline std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

template <class T>
Tensor tensor_of(DType dtype, Shape shape, const std::vector<T>& values) {
  return Tensor::from<T>(dtype, std::move(shape), values);
}

}  // namespace nibble::io
