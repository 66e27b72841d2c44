#include "io/formats/compressed_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/io/formats/packed_tensors.h"

namespace nibble::io {
namespace {

using ::testing::HasSubstr;

Json settings(bool symmetric) {
  return {{"format", "pack-quantized"},
          {"config_groups",
           {{"group_0",
             {{"weights", {{"num_bits", 4}, {"symmetric", symmetric}, {"group_size", 8}}}}}}}};
}

/// 9 outputs of 16 inputs in two groups; every code is 9, every zero 7, every scale 1.
PackedTensors plain_module() {
  PackedTensors out{"m", {}};
  out.by_suffix["weight_packed"] =
      tensor_of<std::uint32_t>(DType::kI32, {9, 2}, std::vector<std::uint32_t>(18, 0x99999999U));
  out.by_suffix["weight_scale"] =
      tensor_of<std::uint16_t>(DType::kF16, {9, 2}, std::vector<std::uint16_t>(18, 0x3C00));
  out.by_suffix["weight_zero_point"] = tensor_of<std::uint32_t>(
      DType::kI32, {2, 2}, std::vector<std::uint32_t>{0x77777777U, 0x77777777U, 7, 7});
  out.by_suffix["weight_shape"] = tensor_of<std::int64_t>(DType::kI64, {2}, {9, 16});
  return out;
}

codec::EncodedMatrix read(const PackedTensors& tensors, const Json& config = settings(false)) {
  return compressed_tensors_format().open(config)->read(tensors);
}

TEST(CompressedTensors, ReadsAModuleWorkedByHand) {
  PackedTensors tensors = plain_module();
  tensors.by_suffix["weight_packed"].mutable_as<std::uint32_t>()[2] = 0x76543210U;
  tensors.by_suffix["weight_zero_point"].mutable_as<std::uint32_t>()[3] = 2;  // output 8, group 1
  tensors.by_suffix["weight_scale"].mutable_as<std::uint16_t>()[17] = 0x3800;
  const auto w = codec::decode_all(read(tensors));
  for (std::size_t c = 0; c < 8; ++c) {
    EXPECT_EQ(w[16 + c], static_cast<float>(c) - 7);
  }
  EXPECT_EQ(w[0], 2.0F);
  EXPECT_EQ(w[8 * 16 + 7], 2.0F);
  EXPECT_EQ(w[8 * 16 + 8], 0.5F * (9 - 2));
}

TEST(CompressedTensors, SymmetricCodesAreSignedAroundTheMiddle) {
  PackedTensors tensors = plain_module();
  tensors.by_suffix.erase("weight_zero_point");
  const auto matrix = read(tensors, settings(true));
  EXPECT_EQ(matrix.codec->name(), "int4g8sh");
  EXPECT_EQ(codec::decode_all(matrix)[5], 1.0F);
}

TEST(CompressedTensors, EveryWidthAndGroupComesBackAsItWas) {
  for (const std::string codec :
       {"int4g8ah", "int4g8pah", "int4g32sh", "int8g16ah", "int4cah", "int8csh"}) {
    SCOPED_TRACE(codec);
    const auto before = some_integers(codec, 11, 96);
    const auto after = there_and_back("compressed-tensors", before);
    EXPECT_EQ(after.codec->name(), codec);
    EXPECT_EQ(codec::decode_all(after), codec::decode_all(before));
  }
  const auto odd = some_integers("int4cah", 5, 27);  // words that are not full
  EXPECT_EQ(codec::decode_all(there_and_back("compressed-tensors", odd)), codec::decode_all(odd));
}

TEST(CompressedTensors, GroupsByActivationAreToldOf) {
  const auto notes_of = [](const std::string& codec) {
    const auto writer = packed_format_of_target("compressed-tensors").create("compressed-tensors");
    writer->write("m", some_integers(codec, 11, 96));
    return writer->notes();
  };
  EXPECT_TRUE(notes_of("int4g8ah").empty());
  EXPECT_THAT(notes_of("int4g8pah"), ::testing::ElementsAre(HasSubstr("weight_g_idx")));
}

TEST(CompressedTensors, RefusesTensorsThatDoNotFit) {
  const auto why = [](std::string suffix, std::optional<Tensor> tensor) {
    PackedTensors tensors = plain_module();
    if (tensor) {
      tensors.by_suffix[suffix] = std::move(*tensor);
    } else {
      tensors.by_suffix.erase(suffix);
    }
    return message_of([&] { read(tensors); });
  };
  for (const std::string suffix :
       {"weight_packed", "weight_scale", "weight_zero_point", "weight_shape"}) {
    EXPECT_THAT(why(suffix, std::nullopt), HasSubstr("m." + suffix + ": missing"));
  }
  const auto shape = [](std::int64_t rows, std::int64_t cols) {
    return tensor_of<std::int64_t>(DType::kI64, {2}, {rows, cols});
  };
  EXPECT_THAT(why("weight_shape", shape(9, 17)),
              HasSubstr("m: weight_shape [9, 17] does not fit weight_packed [9, 2] of 4 bits"));
  EXPECT_THAT(why("weight_shape", shape(8, 16)), HasSubstr("does not fit"));
  EXPECT_THAT(why("weight_shape", shape(9, -1)), HasSubstr("does not fit"));
  EXPECT_THAT(why("weight_shape", shape(9, 12)), HasSubstr("groups of 8 do not divide 12 inputs"));
  EXPECT_THAT(why("weight_scale", Tensor::make(DType::kF16, {2, 9})),
              HasSubstr("m.weight_scale: expected shape [9, 2], found [2, 9]"));
  EXPECT_THAT(why("weight_zero_point", Tensor::make(DType::kI32, {9, 2})),
              HasSubstr("m.weight_zero_point: expected shape [2, 2], found [9, 2]"));
  EXPECT_THAT(why("weight_packed", Tensor::make(DType::kU8, {9, 2})),
              HasSubstr("m.weight_packed: expected dtype I32, found U8"));
  EXPECT_THAT(why("weight_g_idx", Tensor::make(DType::kI32, {16})),
              HasSubstr("m.weight_g_idx: group 0 has 16 inputs, expected 8"));
}

TEST(CompressedTensors, RefusesSettings) {
  const auto why = [](const Json& config) {
    return message_of([&] { compressed_tensors_format().open(config); });
  };
  const auto with = [](std::string_view pointer, const Json& value) {
    Json all = settings(false);
    all[Json::json_pointer(std::string(pointer))] = value;
    return all;
  };
  EXPECT_EQ(why(settings(false)), "");
  EXPECT_THAT(why(with("/format", "float-quantized")), HasSubstr("only pack-quantized"));
  EXPECT_THAT(why(with("/config_groups/b", Json::object())), HasSubstr("only one group is read"));
  EXPECT_THAT(why(with("/config_groups/group_0/input_activations", Json::object())),
              HasSubstr("quantized activations"));
  EXPECT_THAT(why(with("/config_groups/group_0/weights", 3)), HasSubstr("wanted an object"));
  EXPECT_THAT(why(with("/config_groups/group_0/weights/num_bits", 3)), HasSubstr("3 bits of type"));
  EXPECT_THAT(why(with("/config_groups/group_0/weights/strategy", "tensor")),
              HasSubstr("strategy 'tensor'"));
}

TEST(CompressedTensors, SaysWhyAWeightCannotBeWritten) {
  const auto why = [](const codec::EncodedMatrix& matrix) {
    return message_of([&] { compressed_tensors_format().create("")->write("m", matrix); });
  };
  EXPECT_THAT(why(some_integers("int3g8ah", 8, 16)), HasSubstr("m: 3 bits; pack-quantized"));
  EXPECT_THAT(why(some_integers("int4g32ah", 8, 48)), HasSubstr("groups of 32 do not divide 48"));
  const auto writer = compressed_tensors_format().create("");
  writer->write("a", some_integers("int4g8sh", 8, 16));
  EXPECT_THAT(message_of([&] { writer->write("b", some_integers("int4g8ah", 8, 16)); }),
              HasSubstr("b has zeros, the weights before it are symmetric"));
  EXPECT_EQ(writer->settings()["ignore"], Json({"lm_head"}));
}

}  // namespace
}  // namespace nibble::io
