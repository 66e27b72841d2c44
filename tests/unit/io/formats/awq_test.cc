#include "io/formats/awq.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "io/safetensors.h"
#include "support/files.h"
#include "unit/io/formats/packed_tensors.h"

namespace nibble::io {
namespace {

using ::testing::HasSubstr;

Json settings(int group) {
  return {{"quant_method", "awq"}, {"bits", 4}, {"group_size", group}};
}

/// 16 inputs in two groups and 8 outputs; every code is 3, every zero 2, every scale 1.
PackedTensors plain_module() {
  return {
      "m",
      {{"qweight",
        tensor_of<std::uint32_t>(
            DType::kI32, {16, 1}, std::vector<std::uint32_t>(16, 0x33333333U))},
       {"qzeros",
        tensor_of<std::uint32_t>(DType::kI32, {2, 1}, std::vector<std::uint32_t>(2, 0x22222222U))},
       {"scales",
        tensor_of<std::uint16_t>(DType::kF16, {2, 8}, std::vector<std::uint16_t>(16, 0x3C00))}}};
}

codec::EncodedMatrix read(const PackedTensors& tensors, const Json& config = settings(8)) {
  return awq_format().open(config)->read(tensors);
}

std::string refusal(const PackedTensors& tensors, const Json& config = settings(8)) {
  return message_of([&] { read(tensors, config); });
}

TEST(Awq, OutputsCountUpThroughAWord) {
  PackedTensors tensors = plain_module();
  // Outputs 0 to 7 of input 9 have codes 0 to 7; zeros of group 1 likewise.
  tensors.by_suffix["qweight"].mutable_as<std::uint32_t>()[9] = 0x75316420U;
  tensors.by_suffix["qzeros"].mutable_as<std::uint32_t>()[1] = 0x75316420U;
  tensors.by_suffix["scales"].mutable_as<std::uint16_t>()[8 + 5] = 0x3800;
  const auto matrix = read(tensors);
  EXPECT_EQ(matrix.codec->name(), "int4g8ah");
  const auto codes = codec::unpack_int_group(matrix);
  for (std::size_t r = 0; r < 8; ++r) {
    EXPECT_EQ(codes.codes[r * 16 + 9], r);
    EXPECT_EQ(codes.codes[r * 16 + 8], 3);
    EXPECT_EQ(codes.zeros[r * 2], 2.0F);
    EXPECT_EQ(codes.zeros[r * 2 + 1], static_cast<float>(r));
  }
  const auto w = codec::decode_all(matrix);
  EXPECT_EQ(w[0], 1.0F);
  EXPECT_EQ(w[5 * 16 + 8], 0.5F * (3 - 5));
}

TEST(Awq, EveryGroupComesBackAsItWas) {
  for (const std::string codec : {"int4g8ah", "int4g32ah", "int4g64sh", "int4cah"}) {
    SCOPED_TRACE(codec);
    const auto before = some_integers(codec, 24, 64);
    const auto after = there_and_back("awq", before);
    EXPECT_EQ(after.codec->name(), codec);
    EXPECT_EQ(codec::decode_all(after), codec::decode_all(before));
  }
}

TEST(Awq, ReadsAndWritesTheWordsOfAutoAwq) {
  NIBBLE_NEEDS_FILE(path, testing::golden("io/packed.safetensors"));
  const auto file = SafetensorsFile::open(path).take();
  const auto tensor = [&](std::string_view name) { return file.tensor(name).take(); };
  const auto matrix = read({"m",
                            {{"qweight", tensor("awq.qweight")},
                             {"qzeros", tensor("awq.qzeros")},
                             {"scales", tensor("awq.scales")}}},
                           settings(64));
  const auto codes = codec::unpack_int_group(matrix);
  EXPECT_TRUE(std::ranges::equal(codes.codes, tensor("awq.codes").as<std::uint8_t>()));
  EXPECT_TRUE(std::ranges::equal(codes.zeros, tensor("awq.zeros").as<std::uint8_t>()));
  const auto again = awq_format().create("awq")->write("m", matrix);
  for (const std::string part : {"qweight", "qzeros", "scales"}) {
    EXPECT_TRUE(
        std::ranges::equal(again.find(part)->bytes(), tensor(fmt::format("awq.{}", part)).bytes()))
        << part;
  }
}

TEST(Awq, RefusesTensorsThatDoNotFit) {
  const auto with = [](std::string suffix, Tensor tensor) {
    PackedTensors tensors = plain_module();
    tensors.by_suffix[suffix] = std::move(tensor);
    return tensors;
  };
  PackedTensors missing = plain_module();
  missing.by_suffix.erase("scales");
  EXPECT_THAT(refusal(missing), HasSubstr("m.scales: missing"));
  EXPECT_THAT(refusal(with("qweight", Tensor::make(DType::kI16, {16, 1}))),
              HasSubstr("m.qweight: expected dtype I32, found I16"));
  EXPECT_THAT(refusal(with("qzeros", Tensor::make(DType::kI32, {1, 1}))),
              HasSubstr("m.qzeros: expected shape [2, 1], found [1, 1]"));
  EXPECT_THAT(refusal(with("scales", Tensor::make(DType::kF16, {2, 7}))),
              HasSubstr("m.scales: expected shape [2, 8], found [2, 7]"));
  EXPECT_THAT(refusal(plain_module(), settings(24)),
              HasSubstr("m: groups of 24 do not divide 16 inputs"));
}

TEST(Awq, RefusesSettings) {
  const auto why = [](Json change) {
    Json all = settings(8);
    all.update(change);
    return message_of([&] { awq_format().open(all); });
  };
  EXPECT_THAT(why({{"bits", 3}}), HasSubstr("AWQ with 3 bits is not read"));
  EXPECT_THAT(why({{"version", "gemv"}}), HasSubstr("'version': 'gemv' is not read, only gemm"));
  EXPECT_THAT(why({{"zero_point", false}}), HasSubstr("AWQ without zero_point"));
  EXPECT_EQ(why({{"version", "GEMM"}}), "");
  EXPECT_EQ(message_of([] { awq_format().open({{"w_bit", 4}, {"q_group_size", 64}}); }), "");
}

TEST(Awq, SaysWhyAWeightCannotBeWritten) {
  const auto why = [](const codec::EncodedMatrix& matrix) {
    return message_of([&] { awq_format().create("awq")->write("m", matrix); });
  };
  EXPECT_THAT(why(some_integers("int3g8ah", 8, 16)), HasSubstr("m: 8 outputs of 3 bits"));
  EXPECT_THAT(why(some_integers("int4g8ah", 12, 16)), HasSubstr("m: 12 outputs of 4 bits"));
  EXPECT_THAT(why(some_integers("int4g32ah", 8, 48)),
              HasSubstr("m: groups of 32 do not divide 48 inputs"));
}

TEST(Awq, SettingsTellOfLayersThatStayPlain) {
  const auto writer = awq_format().create("awq");
  writer->write("a", some_integers("int4g8ah", 8, 16));
  EXPECT_EQ(writer->settings()["modules_to_not_convert"], nullptr);
  writer->skip("lm_head");
  EXPECT_EQ(writer->settings()["modules_to_not_convert"], Json({"lm_head"}));
  EXPECT_EQ(writer->settings()["group_size"], 8);
}

}  // namespace
}  // namespace nibble::io
