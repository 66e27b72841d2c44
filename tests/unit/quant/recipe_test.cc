#include "quant/recipe.h"

#include <gmock/gmock.h>

#include "base/hash.h"
#include "support/files.h"

namespace nibble::quant {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string failure_of(std::string_view toml) {
  const auto recipe = parse_recipe(toml, "r.toml");
  return recipe ? "accepted" : recipe.failure().message;
}

constexpr std::string_view kTwoStages = R"(
name = "mixed"
summary = "hqq for attention, nearest for the rest"
[[stage]]
solve = "hqq"
round_zero = false
scheme = { "*.self_attn.*" = "int4g64f" }
[[stage]]
solve = "nearest"
range = "raw"
scheme = { default = "int8cs", "lm_head.weight" = "keep" }
)";

TEST(Recipe, ReadsStagesWithSchemesAndSettings) {
  const auto recipe = parse_recipe(kTwoStages, "r.toml").take();
  EXPECT_EQ(recipe.name, "mixed");
  ASSERT_EQ(recipe.stages.size(), 2U);
  EXPECT_EQ(recipe.stages[0].scheme.default_codec, nullptr);
  const auto* rule = recipe.stages[0].scheme.match("model.layers.3.self_attn.q_proj.weight");
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->codec->name(), "int4g64f");
  EXPECT_EQ(recipe.stages[0].scheme.match("model.layers.3.mlp.up_proj.weight"), nullptr);
  EXPECT_EQ(recipe.stages[1].scheme.default_codec->name(), "int8cs");
  EXPECT_EQ(recipe.stages[1].scheme.match("lm_head.weight")->codec, nullptr);
}

TEST(Recipe, CanonicalTextSpellsOutEverySettingAndReadsBackAsItself) {
  const auto recipe = parse_recipe(kTwoStages, "r.toml").take();
  EXPECT_EQ(
      recipe.text,
      "[[stage]]\nsolve = \"hqq\"\nmax_iterations = 20\nbeta = 10\np = 0.7\nround_zero = false\n"
      "scheme = { default = \"keep\", \"*.self_attn.*\" = \"int4g64f\" }\n"
      "[[stage]]\nsolve = \"nearest\"\nrange = \"raw\"\n"
      "scheme = { default = \"int8cs\", \"lm_head.weight\" = \"keep\" }\n");
  EXPECT_EQ(recipe.hash, sha256_hex(recipe.text));
  EXPECT_EQ(parse_recipe("name = \"other\"\n" + recipe.text, "again").take().hash, recipe.hash);
}

TEST(Recipe, FirstPatternInFileOrderWins) {
  const auto recipe = parse_recipe(R"(name = "x"
[[stage]]
solve = "nearest"
scheme = { "z*" = "int8cs", "*" = "int4cs", "a*" = "int2cs" })",
                                   "r.toml")
                          .take();
  EXPECT_EQ(recipe.stages[0].scheme.match("zed")->codec->name(), "int8cs");
  EXPECT_EQ(recipe.stages[0].scheme.match("abc")->codec->name(), "int4cs");
}

TEST(Recipe, EveryBuiltInIsValidAndNamedLikeItsFile) {
  std::string last;
  for (const BuiltinRecipe& row : builtin_recipes()) {
    const auto recipe = load_recipe(row.name);
    ASSERT_TRUE(recipe) << recipe.failure().message;
    EXPECT_EQ(recipe->name, row.name);
    EXPECT_FALSE(recipe->summary.empty());
    EXPECT_LT(last, row.name);
    last = row.name;
    EXPECT_EQ(nibble::testing::read_file(nibble::testing::source_path("recipes/" + last + ".toml")),
              row.toml);
  }
  EXPECT_GE(builtin_recipes().size(), 9U);
}

TEST(Recipe, InlineFormEqualsItsFile) {
  const auto inline_recipe = load_recipe("method=nearest,codec=int4g128a,range=raw").take();
  const auto file = parse_recipe(
                        "name = \"f\"\n[[stage]]\nsolve = \"nearest\"\nrange = \"raw\"\n"
                        "scheme = { default = \"int4g128a\" }",
                        "f")
                        .take();
  EXPECT_EQ(inline_recipe.text, file.text);
  EXPECT_EQ(inline_recipe.name, "method=nearest,codec=int4g128a,range=raw");
  EXPECT_THAT(load_recipe("method=hqq,codec=int2g16f,max_iterations=3,round_zero=true,beta=1.5")
                  .take()
                  .text,
              HasSubstr("max_iterations = 3\nbeta = 1.5\np = 0.7\nround_zero = true\n"));
}

TEST(Recipe, MayNameASchemeOfKeysAndValuesAlone) {
  const Recipe kivi = load_recipe("kivi-4").take();
  EXPECT_EQ(kivi.kv->name, "kivi-4");
  EXPECT_TRUE(kivi.stages.empty());
  EXPECT_FALSE(kivi.calibration);
  EXPECT_EQ(kivi.text, "kv = \"kivi-4\"\n");
  EXPECT_EQ(load_recipe("kv=kivi-4").take().hash, kivi.hash);
  const Recipe both = load_recipe("method=nearest,codec=int4g64a,kv=int8").take();
  EXPECT_EQ(both.kv->name, "int8");
  EXPECT_EQ(both.stages.size(), 1U);
  EXPECT_NE(both.hash, load_recipe("method=nearest,codec=int4g64a").take().hash);
  const Recipe kvquant = load_recipe("kvquant-3").take();
  EXPECT_TRUE(kvquant.calibration);
  EXPECT_FALSE(kvquant.looks_at_inputs());
  EXPECT_EQ(parse_recipe("name = \"x\"\n" + kvquant.text, "again").take().hash, kvquant.hash);
  const Recipe gradients =
      parse_recipe("name = \"x\"\nkv_weighing = \"gradients\"\n" + kvquant.text, "r").take();
  EXPECT_EQ(gradients.kv_weighing, KvWeighing::kGradients);
  EXPECT_NE(gradients.hash, kvquant.hash);
  EXPECT_EQ(parse_recipe("name = \"x\"\n" + gradients.text, "r").take().hash, gradients.hash);
  EXPECT_THAT(failure_of("name = \"x\"\nkv = \"kivi-4\"\nkv_weighing = \"gradients\""),
              HasSubstr("wants a kv scheme whose tables are calibrated"));
  EXPECT_THAT(failure_of("name = \"x\"\nkv = \"kvquant-4\"\nkv_weighing = \"fisher\""),
              HasSubstr("'fisher' is not known, expected alike or gradients"));
  const auto wrong = load_recipe("kv=kivi-5");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.failure().message.find("no key/value scheme 'kivi-5'"), std::string::npos);
}

TEST(Recipe, LoadsFilesByPath) {
  const TempFolder folder;
  write_file(folder / "mine.toml", kTwoStages);
  EXPECT_EQ(load_recipe((folder / "mine.toml").string()).take().name, "mixed");
  const auto missing = load_recipe((folder / "none.toml").string());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.failure().code, ErrorCode::kNotFound);
}

TEST(Recipe, UnknownNameIsAnsweredWithTheNearest) {
  const auto recipe = load_recipe("hqq-int5");
  ASSERT_FALSE(recipe);
  EXPECT_EQ(recipe.failure().code, ErrorCode::kNotFound);
  EXPECT_THAT(recipe.failure().message, HasSubstr("no recipe 'hqq-int5' (did you mean 'hqq-int"));
}

TEST(Recipe, MistakesAreNamedWithTheirPosition) {
  EXPECT_THAT(
      failure_of(
          "name = \"x\"\n[[stage]]\nsolve = \"nearest\"\nschema = { default = \"int4g64a\" }"),
      StartsWith("r.toml:2:"));
  EXPECT_THAT(failure_of("name = \"x\"\n[[stage]]\nsolve = \"nearest\"\nranges = \"raw\"\n"
                         "scheme = { default = \"int4g64a\" }"),
              HasSubstr("r.toml:4:1: unknown key 'ranges' (did you mean 'range'?)"));
  EXPECT_THAT(
      failure_of(
          "name = \"x\"\n[[stage]]\nsolve = \"neerest\"\nscheme = { default = \"int4g64a\" }"),
      HasSubstr("unknown method 'neerest' (did you mean 'nearest'?)"));
  EXPECT_THAT(
      failure_of(
          "name = \"x\"\n[[stage]]\nsolve = \"nearest\"\nscheme = { default = \"int4g64z\" }"),
      HasSubstr("r.toml:4:"));
  EXPECT_THAT(
      failure_of("name = \"x\"\n[[stage]]\nsolve = \"hqq\"\nscheme = { default = \"int4g64a\" }"),
      HasSubstr("method 'hqq' cannot write codec 'int4g64a'"));
  EXPECT_THAT(failure_of("name = \"x\"\n[[stage]]\nsolve = \"nearest\"\nrange = \"max\"\n"
                         "scheme = { default = \"int4g64a\" }"),
              HasSubstr("'range': 'max' is not known"));
  EXPECT_THAT(failure_of("name = \"x\""), HasSubstr("at least one [[stage]]"));
  EXPECT_THAT(failure_of("name = \"x\"\n[[stage]]\nscheme = { default = \"int4g64a\" }"),
              HasSubstr("exactly one of transform, solve and correct"));
  EXPECT_THAT(failure_of("name = 3"), HasSubstr("expected a string"));
  EXPECT_THAT(failure_of("name = "), StartsWith("r.toml:1:"));
}

TEST(Recipe, AMisspeltKindOfStageIsNamed) {
  const auto recipe = parse_recipe(
      "name = 'x'\n[[stage]]\nsolv = 'hqq'\nscheme = { default = 'int4g64fh' }\n", "r.toml");
  ASSERT_FALSE(recipe);
  EXPECT_EQ(recipe.failure().message, "r.toml:3:1: unknown key 'solv' (did you mean 'solve'?)");
}

TEST(Recipe, ACorrectionIsTheLastStage) {
  const std::string solve = "[[stage]]\nsolve = \"nearest\"\nscheme = { default = \"int4g64a\" }\n";
  const std::string correct = "[[stage]]\ncorrect = \"bias\"\n";
  const Recipe recipe = parse_recipe("name = \"x\"\n" + solve + correct, "r.toml").take();
  ASSERT_NE(recipe.correction, nullptr);
  EXPECT_EQ(recipe.correction->name, "bias");
  EXPECT_TRUE(recipe.looks_at_inputs());
  EXPECT_TRUE(recipe.calibration);
  EXPECT_FALSE(recipe.rewrites_blocks());
  EXPECT_EQ(parse_recipe("name = \"x\"\n" + recipe.text, "again").take().hash, recipe.hash);
  EXPECT_NE(load_recipe("method=nearest,codec=int4g64a").take().hash, recipe.hash);
  EXPECT_THAT(failure_of("name = \"x\"\n" + correct + solve),
              HasSubstr("'correct': must stand behind the solve stages"));
  EXPECT_THAT(failure_of("name = \"x\"\n" + solve + correct + solve),
              HasSubstr("must stand before the correct stage, which is the last"));
  EXPECT_THAT(failure_of("name = \"x\"\n" + solve + "[[stage]]\ncorrect = \"bais\"\n"),
              HasSubstr("unknown correction 'bais' (did you mean 'bias'?), expected one of: bias"));
  EXPECT_THAT(failure_of("name = \"x\"\n[[stage]]\nsolve = \"autoround\"\n"
                         "scheme = { default = \"int4g64sh\" }\n" +
                         correct),
              HasSubstr("does not go with 'autoround', which solves for whole blocks at once"));
}

TEST(Recipe, InlineMistakes) {
  EXPECT_EQ(load_recipe("method=nearest,int4g64a").failure().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(load_recipe("method=nearest,codec="));
  EXPECT_FALSE(load_recipe("codec=int4g64a"));
  EXPECT_FALSE(load_recipe("method=nearest,codec=int4g64a\" }\nx = 1"));
}

TEST(TomlText, EscapesWhatTomlWants) {
  EXPECT_EQ(toml_text("a\"b\\c\nd"), "\"a\\\"b\\\\c\\u000Ad\"");
  const auto recipe =
      parse_recipe("name = " + toml_text("tab\there") + "\n" + load_recipe("nf4").take().text, "r");
  EXPECT_EQ(recipe->name, "tab\there");
}

TEST(Glob, StarsAndQuestionMarks) {
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("model.*.weight", "model.layers.3.mlp.weight"));
  EXPECT_TRUE(glob_match("*up*", "mlp.up_proj"));
  EXPECT_TRUE(glob_match("a?c", "abc"));
  EXPECT_TRUE(glob_match("*ab*ab", "xabyabab"));
  EXPECT_FALSE(glob_match("a?c", "ac"));
  EXPECT_FALSE(glob_match("lm_head", "lm_head.weight"));
  EXPECT_FALSE(glob_match("", "x"));
}

TEST(Recipe, AnImportanceFileTakesThePlaceOfCalibration) {
  const nibble::testing::TempFolder folder;
  const std::string file = (folder / "i.dat").string();
  // One entry "t" of one call with one number.
  nibble::testing::write_file(file,
                              std::string("\1\0\0\0\1\0\0\0t\1\0\0\0\1\0\0\0\0\0\200\77", 21));
  const auto recipe = with_importance_file(load_recipe("gguf-q4_k_m-imatrix").take(), file).take();
  EXPECT_EQ(recipe.calibration, std::nullopt);
  EXPECT_EQ(recipe.name, "gguf-q4_k_m-imatrix");
  ASSERT_EQ(recipe.stages.size(), 2U);
  for (const SolveStage& stage : recipe.stages) {
    EXPECT_FALSE(stage.needs.any());
  }
  EXPECT_THAT(recipe.text, HasSubstr("importance = \"" + file + "\"\nimportance_sha256 = \""));
  // Its own text names the file by content, too.
  EXPECT_EQ(parse_recipe("name = \"x\"\n" + recipe.text, "x").take().hash, recipe.hash);
  EXPECT_EQ(with_importance_file(recipe, file).take().hash, recipe.hash);
  nibble::testing::write_file(file,
                              std::string("\1\0\0\0\1\0\0\0u\1\0\0\0\1\0\0\0\0\0\200\77", 21));
  EXPECT_THAT(parse_recipe("name = \"x\"\n" + recipe.text, "x").failure().message,
              HasSubstr("'importance_sha256'"));
  EXPECT_THAT(with_importance_file(load_recipe("nf4").take(), file).failure().message,
              HasSubstr("recipe nf4: no stage of method gguf"));
}

}  // namespace
}  // namespace nibble::quant
