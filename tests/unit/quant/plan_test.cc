#include "quant/plan.h"

#include <gmock/gmock.h>

#include "unit/quant/tiny_checkpoint.h"

namespace nibble::quant {
namespace {

using nibble::testing::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Plan plan_of(std::string_view recipe) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto checkpoint = io::open_checkpoint(folder / "tiny").take();
  return make_plan(load_recipe(recipe).take(), *checkpoint).take();
}

const PlanRow& row_of(const Plan& plan, std::string_view weight) {
  return *std::ranges::find(plan.rows, weight, &PlanRow::weight);
}

TEST(Plan, LinearLayersGetTheDefaultAndEverythingElseIsKept) {
  const Plan plan = plan_of("rtn-int4");
  ASSERT_EQ(plan.rows.size(), 12U);
  for (const PlanRow& row : plan.rows) {
    EXPECT_EQ(row.is_kept(), row.role != model::WeightRole::kLinear) << row.weight;
    EXPECT_EQ(row.source_codec, "f32");
  }
  const PlanRow& down = row_of(plan, "model.layers.0.mlp.down_proj.weight");
  EXPECT_EQ(down.target_codec, "int4g64ah");
  EXPECT_EQ(down.bytes_before, 64U * 96 * 4);
  EXPECT_EQ(down.bytes_after, 64U * (48 + 2 * 3));  // 96 columns: a group of 64 and one of 32
  EXPECT_EQ(row_of(plan, "lm_head.weight").bytes_after, 32U * 64 * 4);
}

std::string refusal_of(const std::string& stages) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto checkpoint = io::open_checkpoint(folder / "tiny").take();
  const auto plan = make_plan(parse_recipe("name = \"x\"\n" + stages, "r").take(), *checkpoint);
  return plan ? "accepted" : plan.failure().message;
}

TEST(Plan, RefusesWhatDoesNotGoTogetherWithTheModel) {
  const std::string solve = "[[stage]]\nsolve = \"nearest\"\nscheme = { default = \"int4g64a\" }\n";
  EXPECT_THAT(refusal_of(solve + "[[stage]]\ncorrect = \"bias\"\n"),
              HasSubstr("changes the biases of linear layers; this model has none"));
  EXPECT_THAT(refusal_of("kv = \"kvquant-4\"\n[[stage]]\ntransform = \"rotate\"\n" + solve),
              HasSubstr("so it does not go with rotations of heads behind it"));
  EXPECT_EQ(
      refusal_of("kv = \"kvquant-4\"\n[[stage]]\ntransform = \"rotate\"\nheads = false\n" + solve),
      "accepted");
}

TEST(Plan, NotesCalibrationThatIsTooShortForItsInputs) {
  const auto notes_of = [](int n_windows) {
    const TempFolder folder;
    write_tiny_checkpoint(folder / "tiny");
    const auto checkpoint = io::open_checkpoint(folder / "tiny").take();
    const auto recipe = parse_recipe(fmt::format(R"(name = "x"
[calibration]
windows = {}
window_tokens = 8
[[stage]]
solve = "gptq"
scheme = {{ default = "int4g32a" }})",
                                                 n_windows),
                                     "r")
                            .take();
    return make_plan(recipe, *checkpoint).take().notes;
  };
  EXPECT_THAT(notes_of(11), ElementsAre(HasSubstr("88 tokens of calibration for up to 96 inputs")));
  EXPECT_TRUE(notes_of(12).empty());
}

TEST(Plan, TotalsAreTheSumsOfTheRows) {
  const Plan plan = plan_of("nf4");
  std::size_t after = 0;
  std::size_t n = 0;
  for (const PlanRow& row : plan.rows) {
    after += row.bytes_after;
    n += row.rows * row.cols;
  }
  EXPECT_EQ(plan.bytes_after, after);
  EXPECT_EQ(plan.n_parameters, n);
  EXPECT_DOUBLE_EQ(plan.bits_per_weight, 8.0 * static_cast<double>(after) / static_cast<double>(n));
  EXPECT_DOUBLE_EQ(plan.quantized_bits_per_weight, 4.5);
}

TEST(Plan, StagesTakeWeightsInOrderAndPatternsReachEmbeddings) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto checkpoint = io::open_checkpoint(folder / "tiny").take();
  const auto recipe = parse_recipe(R"(name = "mixed"
[[stage]]
solve = "hqq"
scheme = { "*.self_attn.?_proj.weight" = "int4g64f" }
[[stage]]
solve = "nearest"
scheme = { default = "int8cs", "model.embed_tokens.weight" = "int8g64a", "*norm*" = "int2cs", "*gate*" = "keep", "nothing*" = "keep" }
)",
                                   "mixed")
                          .take();
  const Plan plan = make_plan(recipe, *checkpoint).take();
  EXPECT_EQ(row_of(plan, "model.layers.0.self_attn.k_proj.weight").stage->method, "hqq");
  EXPECT_EQ(row_of(plan, "model.layers.0.mlp.up_proj.weight").target_codec, "int8cs");
  EXPECT_TRUE(row_of(plan, "model.layers.0.mlp.gate_proj.weight").is_kept());
  EXPECT_EQ(row_of(plan, "model.embed_tokens.weight").target_codec, "int8g64a");
  EXPECT_TRUE(row_of(plan, "model.norm.weight").is_kept()) << "norms are never quantized";
  EXPECT_THAT(plan.notes, ElementsAre("pattern 'nothing*' matches no weight of this model"));
}

TEST(Plan, TextJoinsEqualLayersAndJsonListsEveryWeight) {
  const Plan plan = plan_of("rtn-int8");
  EXPECT_THAT(plan_text(plan), HasSubstr("model.layers.*.mlp.down_proj.weight"));
  EXPECT_THAT(plan_text(plan), HasSubstr("keep"));
  const Json json = plan_json(plan);
  EXPECT_EQ(json.at("weights").size(), plan.rows.size());
  EXPECT_EQ(json.at("recipe").at("hash"), plan.recipe->hash);
  EXPECT_EQ(json.at("bytes_after"), plan.bytes_after);
}

TEST(Plan, SaysThatAQuantizedSourceIsQuantizedAgain) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  const auto checkpoint = io::open_checkpoint(path).take();
  const Plan plan = make_plan(load_recipe("rtn-int4").take(), *checkpoint).take();
  EXPECT_THAT(plan.notes,
              ElementsAre("210 weights are q4_1 in the source already; they are decoded and "
                          "quantized a second time"));
}

TEST(Plan, MissingWeightIsReported) {
  const TempFolder folder;
  auto writer = io::CheckpointWriter::create(folder / "broken").take();
  writer.add_tensor("model.embed_tokens.weight", tiny_weight("e", 32, 64, 0)).take();
  writer.finish(tiny_config()).take();
  const auto checkpoint = io::open_checkpoint(folder / "broken").take();
  const auto plan = make_plan(load_recipe("nf4").take(), *checkpoint);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.failure().code, ErrorCode::kNotFound);
  EXPECT_THAT(plan.failure().message, HasSubstr("model.layers.0.input_layernorm.weight"));
}

}  // namespace
}  // namespace nibble::quant
