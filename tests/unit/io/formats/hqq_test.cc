#include "io/formats/hqq.h"

#include <gmock/gmock.h>

#include <limits>

#include "unit/io/formats/packed_tensors.h"

namespace nibble::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

PackedTensors written(const codec::EncodedMatrix& matrix) {
  return hqq_format().create("hqq")->write("m", matrix);
}

codec::EncodedMatrix read(const PackedTensors& tensors) {
  return hqq_format().open(Json::object())->read(tensors);
}

/// Codes, scales and zeros with a fraction; every code of the width occurs.
codec::EncodedMatrix real_zeros(std::string_view name, std::size_t rows, std::size_t cols) {
  const codec::IntGroupFormat format = codec::int_group_from_name(name).value();
  codec::IntGroupCodes codes;
  for (std::size_t i = 0; i < rows * cols; ++i) {
    codes.codes.push_back(static_cast<std::uint8_t>((5 * i + i / cols) % (format.max_code() + 1U)));
  }
  for (std::size_t i = 0; i < rows * format.n_groups(cols); ++i) {
    codes.scales.push_back(0.25F + static_cast<float>(i) / 64.0F);
    codes.zeros.push_back(static_cast<float>(i % 5) + 0.125F);
  }
  return codec::pack_int_group(format, rows, cols, codes);
}

TEST(Hqq, FourBitsPutTheFirstHalfOfTheGroupsHigh) {
  // Two rows of 16 in groups of 8: groups 0 to 3; bytes hold 0 with 2 and 1 with 3.
  const codec::IntGroupFormat format{4, 8, codec::ZeroKind::kFloat, DType::kF16};
  codec::IntGroupCodes codes{std::vector<std::uint8_t>(32, 0), {1, 1, 1, 1}, {0.5F, 0, 0, 0}};
  codes.codes[0] = 0xA;       // group 0, weight 0
  codes.codes[16] = 0x3;      // group 2, weight 0
  codes.codes[8 + 7] = 0x1;   // group 1, weight 7
  codes.codes[24 + 7] = 0xF;  // group 3, weight 7
  const auto tensors = written(codec::pack_int_group(format, 2, 16, codes));
  const Tensor& packed = *tensors.find("W_q");
  EXPECT_EQ(packed.shape(), (Shape{2, 8}));
  EXPECT_EQ(packed.as<std::uint8_t>()[0], 0xA3);
  EXPECT_EQ(packed.as<std::uint8_t>()[15], 0x1F);
  EXPECT_EQ(tensors.find("zero")->shape(), (Shape{4, 1}));
  EXPECT_EQ(tensors.find("zero")->as<std::uint16_t>()[0], 0x3800);
  EXPECT_THAT(tensors.find("shape")->as<std::int64_t>(), ElementsAre(2, 16));
  EXPECT_EQ(tensors.find("nbits")->shape(), Shape{});
  const auto text = tensors.find("compute_dtype")->as<std::uint8_t>();
  EXPECT_EQ(std::string(text.begin(), text.end()), "torch.float16");
}

TEST(Hqq, ThreeBitsAreTenToAWordFromBit27Down) {
  const codec::IntGroupFormat format{3, 8, codec::ZeroKind::kFloat, DType::kF16};
  codec::IntGroupCodes codes{
      std::vector<std::uint8_t>(96, 0), std::vector<float>(12, 1.0F), std::vector<float>(12, 0.0F)};
  codes.codes[0] = 5;           // group 0: word row 0, bits 27 to 29
  codes.codes[11 * 8 + 1] = 7;  // group 11: the sixth part (of two rows) is row 1, bits 12 to 14
  const auto packed = *written(codec::pack_int_group(format, 12, 8, codes)).find("W_q");
  EXPECT_EQ(packed.shape(), (Shape{2, 8}));
  EXPECT_EQ(packed.as<std::uint32_t>()[0], 5U << 27);
  EXPECT_EQ(packed.as<std::uint32_t>()[8 + 1], 7U << 12);
}

TEST(Hqq, EveryWidthComesBackAsItWas) {
  for (const std::string bits : {"2", "3", "4", "5", "6", "8"}) {
    for (const std::string rest : {"g16fh", "g32f", "cfh"}) {
      const std::string name = "int" + bits + rest;
      SCOPED_TRACE(name);
      const auto before = real_zeros(name, 12, 64);
      const auto after = there_and_back("hqq", before);
      EXPECT_EQ(codec::decode_all(after), codec::decode_all(before));
      EXPECT_EQ(after.codec->name().substr(0, 6), name.substr(0, 6));
    }
  }
}

TEST(Hqq, WholeZerosAreRealOnesToo) {
  for (const std::string_view name : {"int4g16ah", "int8g32sh"}) {
    const auto before = some_integers(name, 8, 64);
    EXPECT_EQ(codec::decode_all(there_and_back("hqq", before)), codec::decode_all(before));
  }
}

TEST(Hqq, ScalesThatAreNoFloat16StayFloat32) {
  const codec::IntGroupFormat format{4, 16, codec::ZeroKind::kFloat, DType::kF32};
  const codec::IntGroupCodes codes{std::vector<std::uint8_t>(32, 3), {0.1F, 0.2F}, {1.1F, 2.2F}};
  const auto matrix = codec::pack_int_group(format, 2, 16, codes);
  const auto tensors = written(matrix);
  EXPECT_EQ(tensors.find("scale")->dtype(), DType::kF32);
  EXPECT_EQ(codec::decode_all(read(tensors)), codec::decode_all(matrix));
}

TEST(Hqq, SettingsAreThoseOfTransformers) {
  const auto writer = hqq_format().create("hqq");
  writer->write("a", real_zeros("int3g32fh", 20, 64));
  writer->skip("lm_head");
  const Json settings = writer->settings();
  EXPECT_EQ(settings["quant_method"], "hqq");
  const Json& weights = settings["quant_config"]["weight_quant_params"];
  EXPECT_EQ(weights["nbits"], 3);
  EXPECT_EQ(weights["group_size"], 32);
  EXPECT_EQ(weights["axis"], 1);
  EXPECT_EQ(settings["skip_modules"], Json::array({"lm_head"}));
}

std::string refusal(const PackedTensors& tensors) {
  return message_of([&] { read(tensors); });
}

TEST(Hqq, RefusesWhatItCannotKeepOrRead) {
  const PackedTensors good = written(real_zeros("int4g16fh", 8, 64));
  const auto with = [&](std::string suffix, Tensor tensor) {
    PackedTensors out = good;
    out.by_suffix[std::move(suffix)] = std::move(tensor);
    return refusal(out);
  };
  const auto number = [](std::int32_t n) { return tensor_of<std::int32_t>(DType::kI32, {}, {n}); };
  EXPECT_EQ(refusal(good), "");
  EXPECT_THAT(with("axis", number(0)), HasSubstr("m.axis: groups along axis 0"));
  EXPECT_THAT(with("nbits", number(1)), HasSubstr("m: 1 bits"));
  EXPECT_THAT(with("nbits", number(8)), HasSubstr("m.W_q: expected shape"));
  EXPECT_THAT(with("quant_zero", tensor_of<std::uint8_t>(DType::kU8, {}, {1})),
              HasSubstr("quantized zeros"));
  EXPECT_THAT(with("shape", tensor_of<std::int64_t>(DType::kI64, {2}, {8, -64})),
              HasSubstr("no sizes"));
  EXPECT_THAT(with("shape", tensor_of<std::int64_t>(DType::kI64, {2}, {16, 24})),
              HasSubstr("m: groups of 16 cross from one output to the next (24 inputs)"));
  EXPECT_THAT(with("group_size", number(0)), HasSubstr("no sizes"));
  Tensor scale = Tensor::make(DType::kF32, {32, 1});
  scale.mutable_as<float>()[3] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(with("scale", scale), HasSubstr("m.scale: a value is not finite"));
  PackedTensors without = good;
  without.by_suffix.erase("axis");
  EXPECT_THAT(refusal(without), HasSubstr("m.axis: expected one number"));
}

TEST(Hqq, RefusesToWriteWhatTheFormatCannotHold) {
  EXPECT_THAT(message_of([] { written(real_zeros("int7g16f", 4, 32)); }), HasSubstr("7 bits"));
  EXPECT_THAT(message_of([] { written(real_zeros("int4g32f", 4, 48)); }),
              HasSubstr("leave a shorter one in 48 inputs"));
  EXPECT_THAT(message_of([] { written(real_zeros("int2g32f", 3, 32)); }),
              HasSubstr("3 groups do not fill bytes of 4 codes"));
}

}  // namespace
}  // namespace nibble::io
