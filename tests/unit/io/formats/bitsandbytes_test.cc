#include "io/formats/bitsandbytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "codec/nf4.h"
#include "unit/io/formats/packed_tensors.h"

namespace nibble::io {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kNf4State = "weight.quant_state.bitsandbytes__nf4";

/// 5 x 27 weights: an odd number, and blocks of 64 that run over row ends.
codec::EncodedMatrix some_codes(std::string_view name) {
  const auto format = codec::codebook_from_name(name).value();
  codec::CodebookCodes codes;
  for (std::size_t i = 0; i < 5 * 27; ++i) {
    codes.codes.push_back(static_cast<std::uint8_t>(i * 5 % 16));
  }
  if (format.nested) {
    codes.absmax_u8 = {0, 200, 255};
    codes.nested_absmax = {0.3F};
    codes.nested_offset = 0.1F;  // no short decimal: must survive the JSON
  } else {
    codes.absmax = {0.1F, 2.0F, 0.7F};
  }
  return codec::pack_codebook(format, 5, 27, codes);
}

PackedTensors written(std::string_view codec) {
  return bitsandbytes_format().create("bitsandbytes")->write("m", some_codes(codec));
}

codec::EncodedMatrix read(const PackedTensors& tensors) {
  return bitsandbytes_format().open({{"load_in_4bit", true}})->read(tensors);
}

void set_state(PackedTensors& tensors, std::string_view text) {
  tensors.by_suffix[std::string(kNf4State)] =
      Tensor::from<char>(DType::kU8, {text.size()}, {text.data(), text.size()});
}

TEST(Bitsandbytes, ReadsAWeightWorkedByHand) {
  PackedTensors tensors{"m", {}};
  tensors.by_suffix["weight"] =
      tensor_of<std::uint8_t>(DType::kU8, {4, 1}, {0xA6, 0xC0, 0x78, 0x6E});
  tensors.by_suffix["weight.absmax"] = tensor_of<float>(DType::kF32, {1}, {2.0F});
  tensors.by_suffix["weight.quant_map"] =
      Tensor::from<float>(DType::kF32, {16}, codec::codebook_values(codec::Codebook::kNf4));
  set_state(tensors, R"({"quant_type":"nf4","blocksize":64,"dtype":"bfloat16","shape":[2,4]})");
  const auto matrix = read(tensors);
  EXPECT_EQ(matrix.codec->name(), "nf4b64");
  const auto w = codec::decode_all(matrix);
  EXPECT_EQ(w[3], -2.0F);
  EXPECT_EQ(w[4], 0.0F);
  EXPECT_NEAR(w[0], 0.492225F, 1e-6F);
  EXPECT_NEAR(w[7], 1.445914F, 1e-6F);
}

TEST(Bitsandbytes, EveryCodecComesBackAsItWas) {
  for (const std::string codec : {"nf4b64", "nf4b64dq", "fp4b64", "fp4b64dq"}) {
    SCOPED_TRACE(codec);
    const auto before = some_codes(codec);
    const auto after = there_and_back("bitsandbytes", before);
    EXPECT_EQ(after.codec->name(), codec);
    EXPECT_TRUE(after.codec->validate(after));
    EXPECT_EQ(codec::decode_all(after), codec::decode_all(before));
  }
}

TEST(Bitsandbytes, RefusesTensorsThatDoNotFit) {
  const auto why = [](std::string suffix, std::optional<Tensor> tensor) {
    PackedTensors tensors = written("nf4b64dq");
    if (tensor) {
      tensors.by_suffix[suffix] = std::move(*tensor);
    } else {
      tensors.by_suffix.erase(suffix);
    }
    return message_of([&] { read(tensors); });
  };
  EXPECT_THAT(why("weight", std::nullopt), HasSubstr("m.weight: missing"));
  EXPECT_THAT(why("weight.absmax", std::nullopt), HasSubstr("m.weight.absmax: missing"));
  EXPECT_THAT(why("weight.nested_absmax", std::nullopt), HasSubstr("nested_absmax: missing"));
  EXPECT_THAT(why("weight.absmax", Tensor::make(DType::kF32, {3})),
              HasSubstr("m.weight.absmax: expected dtype U8, found F32"));
  EXPECT_THAT(why("weight", Tensor::make(DType::kU8, {67, 1})),
              HasSubstr("m.weight: expected shape [68, 1], found [67, 1]"));
  EXPECT_THAT(why("weight.quant_map", Tensor::make(DType::kF32, {16})),
              HasSubstr("m.weight.quant_map: not the table of bitsandbytes"));
  EXPECT_THAT(why("weight.nested_quant_map", Tensor::make(DType::kF32, {255})),
              HasSubstr("expected shape [256], found [255]"));
  EXPECT_THAT(why(std::string(kNf4State), std::nullopt),
              HasSubstr("m.weight.quant_state.bitsandbytes__fp4: missing"));
}

TEST(Bitsandbytes, RefusesStates) {
  const auto why = [](std::string_view text) {
    PackedTensors tensors = written("nf4b64");
    set_state(tensors, text);
    return message_of([&] { read(tensors); });
  };
  EXPECT_THAT(why("{"), HasSubstr("m.weight.quant_state.bitsandbytes__nf4:1:2:"));
  EXPECT_THAT(why("[]"), HasSubstr("expected a JSON object"));
  EXPECT_THAT(why(std::string(5000, ' ')), HasSubstr("5000 bytes are too many"));
  EXPECT_THAT(why(R"({"quant_type":"fp4"})"), HasSubstr("'quant_type' contradicts"));
  EXPECT_THAT(why(R"({"quant_type":"nf4","shape":[5]})"), HasSubstr("'shape': wanted two numbers"));
  EXPECT_THAT(why(R"({"quant_type":"nf4","shape":[4294967296,4294967296],"blocksize":64})"),
              HasSubstr("'shape': wanted two numbers"));
  EXPECT_THAT(why(R"({"quant_type":"nf4","shape":[5,27],"blocksize":48})"),
              HasSubstr("blocks of 48"));
  EXPECT_THAT(why(R"({"quant_type":"nf4","shape":[5,27],"blocksize":64,"nested_blocksize":256})"),
              HasSubstr("wanted a number 'nested_offset'"));
}

TEST(Bitsandbytes, EightBitsAreNotRead) {
  EXPECT_THAT(message_of([] {
                bitsandbytes_format().open({{"load_in_8bit", true}});
              }),
              HasSubstr("only 4-bit weights are read"));
}

TEST(Bitsandbytes, WritesOneCodebookAFolder) {
  const auto writer = bitsandbytes_format().create("bitsandbytes");
  EXPECT_THAT(message_of([&] { writer->write("m", some_integers("int4g8sh", 2, 8)); }),
              HasSubstr("m: bitsandbytes stores NF4 and FP4 only, found codec int4g8sh"));
  writer->write("a", some_codes("nf4b64"));
  EXPECT_THAT(message_of([&] { writer->write("b", some_codes("fp4b64")); }),
              HasSubstr("b is fp4b64, a is nf4b64"));
  EXPECT_EQ(writer->settings()["bnb_4bit_quant_type"], "nf4");
  EXPECT_EQ(writer->settings()["llm_int8_skip_modules"], Json({"lm_head"}));
  writer->write("lm_head", some_codes("nf4b64"));
  writer->skip("c");
  EXPECT_EQ(writer->settings()["llm_int8_skip_modules"], Json({"c"}));
}

}  // namespace
}  // namespace nibble::io
