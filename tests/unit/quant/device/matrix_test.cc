#include "quant/device/matrix.h"

#include <gmock/gmock.h>

#include <limits>

#include "support/gpu.h"
#include "unit/quant/device/random_weights.h"

namespace nibble::quant {
namespace {

/// The host's codes of random weights, on the device.
DeviceCodes on_device(ops::Device& device,
                      const codec::IntGroupFormat& format,
                      const codec::IntGroupCodes& codes,
                      std::size_t rows,
                      std::size_t cols) {
  DeviceCodes out = DeviceCodes::make(device, format, rows, cols);
  out.codes = device.upload(std::span<const std::uint8_t>(codes.codes));
  out.scales = device.upload(std::span<const float>(codes.scales));
  out.zeros = device.upload(std::span<const float>(codes.zeros));
  return out;
}

codec::IntGroupCodes some_codes(const codec::IntGroupFormat& format,
                                std::size_t rows,
                                std::size_t cols) {
  std::mt19937 random(3);
  codec::IntGroupCodes out;
  for (std::size_t i = 0; i < rows * cols; ++i) {
    out.codes.push_back(static_cast<std::uint8_t>(random() & format.max_code()));
  }
  for (std::size_t i = 0; i < rows * format.n_groups(cols); ++i) {
    out.scales.push_back(codec::stored_parameter(0.001F * static_cast<float>(1 + random() % 100),
                                                 format.parameters));
    out.zeros.push_back(format.zero == codec::ZeroKind::kMiddle
                            ? static_cast<float>(format.middle())
                            : static_cast<float>(random() & format.max_code()));
  }
  return out;
}

TEST(DeviceMatrix, PacksAndDecodesAsTheHostDoes) {
  NIBBLE_NEEDS_GPU(device);
  ThreadPool pool(2);
  constexpr std::size_t kRows = 37, kCols = 203;
  for (const char* name :
       {"int4g64a", "int3g32s", "int2g64fh", "int8ca", "int5g128sh", "int4g8f"}) {
    const auto format = codec::int_group_from_name(name).value();
    const auto codes = some_codes(format, kRows, kCols);
    const DeviceCodes there = on_device(device, format, codes, kRows, kCols);
    const auto wanted = codec::pack_int_group(format, kRows, kCols, codes);
    const auto got = download_codes(device, there);
    ASSERT_EQ(got.parts.size(), wanted.parts.size()) << name;
    EXPECT_EQ(got.codec->name(), name);
    EXPECT_TRUE(static_cast<bool>(got.codec->validate(got))) << name;
    for (std::size_t i = 0; i < got.parts.size(); ++i) {
      EXPECT_EQ(got.parts[i].name, wanted.parts[i].name);
      EXPECT_TRUE(std::ranges::equal(got.parts[i].tensor.bytes(), wanted.parts[i].tensor.bytes()))
          << name << " " << got.parts[i].name;
    }
    const DeviceMatrix decoded = decode_codes(device, there);
    std::vector<float> values(kRows * kCols);
    device.download(decoded.data(), values.data(), values.size() * sizeof(float));
    EXPECT_EQ(values, codec::decode_all(wanted)) << name;

    const auto w = random_weights(kRows * kCols, 5);
    const auto error =
        squared_error(device, upload_matrix(device, dense_floats(w, kRows, kCols), pool), there);
    const auto on_host = squared_error({w.data(), kRows, kCols}, wanted, pool);
    EXPECT_NEAR(error.difference / on_host.difference, 1.0, 1e-12) << name;
    EXPECT_NEAR(error.weight / on_host.weight, 1.0, 1e-12) << name;
  }
}

TEST(DeviceMatrix, WidensWhatCheckpointsStore) {
  NIBBLE_NEEDS_GPU(device);
  ThreadPool pool(2);
  const auto w = random_weights(5 * 16, 7, 1.0F);
  for (const DType dtype : {DType::kF16, DType::kBF16, DType::kF32}) {
    Tensor stored = Tensor::from<float>(DType::kF32, {5, 16}, w);
    if (dtype != DType::kF32) {
      std::vector<std::uint16_t> halves;
      for (const float x : w) {
        halves.push_back(dtype == DType::kF16 ? f32_to_f16(x) : f32_to_bf16(x));
      }
      stored = Tensor::from<std::uint16_t>(dtype, {5, 16}, halves);
    }
    const auto matrix = codec::dense_matrix(stored);
    const DeviceMatrix there = upload_matrix(device, matrix, pool);
    std::vector<float> values(w.size());
    device.download(there.data(), values.data(), values.size() * sizeof(float));
    EXPECT_EQ(values, codec::decode_all(matrix));
  }
}

TEST(DeviceMatrix, NamesTheFirstWeightThatIsNotFinite) {
  NIBBLE_NEEDS_GPU(device);
  ThreadPool pool(2);
  auto w = random_weights(40 * 50, 7);
  w[17 * 50 + 3] = std::numeric_limits<float>::quiet_NaN();
  w[31 * 50] = std::numeric_limits<float>::infinity();
  const DeviceMatrix there = upload_matrix(device, dense_floats(w, 40, 50), pool);
  try {
    require_finite(device, there, "a.weight");
    FAIL() << "it was taken for finite";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "a.weight: the weight at row 17, column 3 is not finite; only finite weights can "
                 "be quantized");
  }
}

}  // namespace
}  // namespace nibble::quant
