#include "io/formats/auto_round.h"

#include <gmock/gmock.h>

#include "io/formats/awq.h"
#include "unit/io/formats/packed_tensors.h"

namespace nibble::io {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

Json settings(std::string_view packing, Json more = Json::object()) {
  Json out = {{"quant_method", "auto-round"},
              {"packing_format", packing},
              {"bits", 4},
              {"group_size", 16},
              {"sym", true}};
  out.update(more);
  return out;
}

std::string refusal(const Json& config) {
  return message_of([&] { auto_round_format().open(config); });
}

TEST(AutoRound, SymmetricLayersHaveZerosMinusOneAndNoOrder) {
  const auto writer = auto_round_format().create("auto-round");
  const auto matrix = some_integers("int4g16sh", 32, 64);
  const auto tensors = writer->write("m", matrix);
  EXPECT_THAT(tensors.find("qzeros")->as<std::uint32_t>(), Each(0x77777777U));
  EXPECT_EQ(tensors.find("g_idx"), nullptr);
  const Json config = writer->settings();
  EXPECT_EQ(config["packing_format"], "auto_round:auto_gptq");
  EXPECT_EQ(config["sym"], true);
  EXPECT_EQ(codec::decode_all(auto_round_format().open(config)->read(tensors)),
            codec::decode_all(matrix));
}

TEST(AutoRound, ZerosOfTheirOwnAreStoredAsTheyAre) {
  const auto writer = auto_round_format().create("auto-round");
  const auto matrix = some_integers("int4g16ah", 32, 64);  // with zeros of 0
  const auto tensors = writer->write("m", matrix);
  const Json config = writer->settings();
  EXPECT_EQ(config["packing_format"], "auto_round");
  EXPECT_EQ(config["sym"], false);
  EXPECT_EQ(codec::decode_all(auto_round_format().open(config)->read(tensors)),
            codec::decode_all(matrix));
}

TEST(AutoRound, EveryWidthComesBackAsItWas) {
  for (const std::string codec : {"int2g32sh", "int3g32ah", "int4g128sh", "int8cah"}) {
    SCOPED_TRACE(codec);
    const auto before = some_integers(codec, 32, 160, 1);
    EXPECT_EQ(codec::decode_all(there_and_back("auto-round", before)), codec::decode_all(before));
  }
}

TEST(AutoRound, NegativeScalesKeepTheirSign) {
  codec::IntGroupCodes codes{std::vector<std::uint8_t>(32 * 32, 0),
                             std::vector<float>(32, -0.0875F),
                             std::vector<float>(32, 8.0F)};
  codes.scales.assign(32, -0.125F);
  const codec::IntGroupFormat format{4, 0, codec::ZeroKind::kMiddle, DType::kF16};
  const auto matrix = codec::pack_int_group(format, 32, 32, codes);
  EXPECT_THAT(codec::decode_all(there_and_back("auto-round", matrix)), Each(1.0F));
}

TEST(AutoRound, ReadsAwqPacking) {
  const auto matrix = some_integers("int4g16ah", 32, 64);
  const auto tensors = awq_format().create("awq")->write("m", matrix);
  const auto reader = auto_round_format().open(settings("auto_round:auto_awq"));
  EXPECT_EQ(codec::decode_all(reader->read(tensors)), codec::decode_all(matrix));
}

TEST(AutoRound, LayersMayHaveAWidthAndGroupOfTheirOwn) {
  const auto matrix = some_integers("int8g32sh", 32, 64);
  PackedTensors tensors = auto_round_format().create("auto-round")->write("m", matrix);
  const Json own = {{"extra_config", {{"m", {{"bits", 8}, {"group_size", 32}}}}}};
  EXPECT_EQ(codec::decode_all(
                auto_round_format().open(settings("auto_round:auto_gptq", own))->read(tensors)),
            codec::decode_all(matrix));
  EXPECT_THAT(message_of([&] {
                auto_round_format().open(settings("auto_round:auto_gptq"))->read(tensors);
              }),
              HasSubstr("the tensors have 8 bits, quantization_config says 4"));
}

TEST(AutoRound, SettingsNamePlainLayersAndThePackedHead) {
  const auto writer = auto_round_format().create("auto-round");
  writer->skip("model.layers.0.mlp.up_proj");
  writer->write("lm_head", some_integers("int4g16sh", 32, 64));
  const Json layers = writer->settings()["extra_config"];
  EXPECT_EQ(layers["model.layers.0.mlp.up_proj"]["bits"], 16);
  EXPECT_EQ(layers["lm_head"]["bits"], 4);
  EXPECT_EQ(layers["lm_head"]["group_size"], 16);
}

TEST(AutoRound, RefusesOtherPackingsTypesAndActivations) {
  EXPECT_THAT(refusal(settings("auto_round:llm_compressor")),
              HasSubstr("'packing_format': 'auto_round:llm_compressor' is not read"));
  EXPECT_THAT(refusal(settings("auto_round", {{"data_type", "mx_fp"}})), HasSubstr("'mx_fp'"));
  EXPECT_THAT(refusal(settings("auto_round", {{"act_bits", 8}})), HasSubstr("activations"));
  EXPECT_THAT(refusal(settings("auto_round", {{"bits", 5}})), HasSubstr("5 bits"));
}

TEST(AutoRound, OneFolderHasOneKindOfZeros) {
  const auto writer = auto_round_format().create("auto-round");
  writer->write("a", some_integers("int4g16sh", 32, 64));
  EXPECT_THAT(message_of([&] { writer->write("b", some_integers("int4g16ah", 32, 64)); }),
              HasSubstr("b: has zeros of its own"));
}

}  // namespace
}  // namespace nibble::io
