#include "io/formats/packed_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "io/checkpoint.h"
#include "io/checkpoint_writer.h"
#include "support/files.h"
#include "unit/io/formats/packed_tensors.h"

namespace nibble::io {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

TEST(PackedFormat, EveryRowIsFoundByMethodAndTarget) {
  for (const PackedFormat& format : packed_formats()) {
    EXPECT_EQ(find_packed_format(format.quant_method), &format);
    for (const std::string_view target : format.targets) {
      EXPECT_EQ(&packed_format_of_target(target), &format);
    }
  }
  EXPECT_EQ(find_packed_format("nibble"), nullptr);
  EXPECT_THAT(
      message_of([] { packed_format_of_target("gptq_v3"); }),
      HasSubstr("unknown format 'gptq_v3' (did you mean 'gptq_v2'?); known are nibble, gptq,"));
}

TEST(PackedFormat, OnlyKnownMethodsHaveAReader) {
  EXPECT_EQ(packed_reader_of(Json::object()), nullptr);
  EXPECT_EQ(packed_reader_of({{"quantization_config", {{"quant_method", "nibble"}}}}), nullptr);
  EXPECT_EQ(packed_reader_of({{"quantization_config", {{"quant_method", 3}}}}), nullptr);
  EXPECT_EQ(packed_reader_of({{"quantization_config", "gptq"}}), nullptr);
  EXPECT_NE(packed_reader_of({{"quantization_config", {{"quant_method", "gptq"}, {"bits", 4}}}}),
            nullptr);
}

class PackedFolder : public ::testing::Test {
 protected:
  /// A folder with one packed weight, one plain tensor and this config.json.
  void write(const Json& config) {
    auto writer = CheckpointWriter::create(folder_ / "m").take();
    const auto packer = packed_format_of_target("gptq").create("gptq");
    for (const auto& [suffix, tensor] : packer->write("layer.a", matrix_).by_suffix) {
      writer.add_tensor("layer.a." + suffix, tensor).take();
    }
    writer.add_tensor("layer.a.bias", Tensor::make(DType::kF32, {32})).take();
    writer.add_tensor("layer.norm.weight", Tensor::make(DType::kF32, {32})).take();
    writer.finish(config).take();
  }

  testing::TempFolder folder_;
  codec::EncodedMatrix matrix_ = some_integers("int4g16ah", 32, 32, 1);
};

TEST_F(PackedFolder, ShowsWeightsInsteadOfTheirTensors) {
  write({{"quantization_config", {{"quant_method", "gptq"}, {"bits", 4}, {"group_size", 16}}}});
  const auto checkpoint = open_checkpoint(folder_ / "m").take();
  EXPECT_THAT(checkpoint->names(),
              UnorderedElementsAre("layer.a.weight", "layer.a.bias", "layer.norm.weight"));
  const StoredTensor weight = checkpoint->tensor("layer.a.weight").take();
  EXPECT_EQ(weight.shape, (Shape{32, 32}));
  EXPECT_EQ(codec::decode_all(weight.matrix), codec::decode_all(matrix_));
  EXPECT_EQ(checkpoint->tensor("layer.a.bias").take().shape, Shape{32});
}

TEST_F(PackedFolder, SettingsMayLieInTheirOwnFile) {
  write(Json::object());
  EXPECT_TRUE(open_checkpoint(folder_ / "m").take()->has("layer.a.qweight"));
  testing::write_file(folder_ / "m/quantize_config.json", R"({"bits": 4, "group_size": 16})");
  const auto checkpoint = open_checkpoint(folder_ / "m").take();
  EXPECT_TRUE(checkpoint->has("layer.a.weight"));
  EXPECT_EQ(checkpoint->metadata()["quantization_config"]["quant_method"], "gptq");
}

TEST_F(PackedFolder, BadSettingsNameTheFile) {
  write({{"quantization_config", {{"quant_method", "gptq"}, {"bits", 9}}}});
  const auto checkpoint = open_checkpoint(folder_ / "m");
  ASSERT_FALSE(checkpoint);
  EXPECT_THAT(checkpoint.failure().message,
              HasSubstr("m/config.json: quantization_config: GPTQ with 9 bits is not read"));
}

TEST_F(PackedFolder, ATensorThatDoesNotFitNamesFolderAndModule) {
  write({{"quantization_config", {{"quant_method", "gptq"}, {"bits", 8}, {"group_size", 16}}}});
  const auto weight = open_checkpoint(folder_ / "m").take()->tensor("layer.a.weight");
  ASSERT_FALSE(weight);
  EXPECT_THAT(weight.failure().message,
              HasSubstr("m: layer.a: the tensors have 4 bits, quantization_config says 8"));
}

}  // namespace
}  // namespace nibble::io
