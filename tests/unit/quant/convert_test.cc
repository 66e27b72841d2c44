#include "quant/convert.h"

#include <gmock/gmock.h>

#include "io/formats/packed_format.h"
#include "model/config.h"
#include "quant/run.h"
#include "unit/quant/tiny_checkpoint.h"

namespace nibble::quant {
namespace {

namespace fs = std::filesystem;
using nibble::testing::TempFolder;
using ::testing::Contains;
using ::testing::HasSubstr;

class Convert : public ::testing::Test {
 protected:
  Convert() { write_tiny_checkpoint(folder_ / "tiny"); }

  fs::path quantize(std::string_view recipe, const std::string& name) {
    const auto checkpoint = io::open_checkpoint(folder_ / "tiny").take();
    quantize_checkpoint(
        *checkpoint, load_recipe(recipe).take(), folder_ / name, pool_, silent_progress())
        .take();
    return folder_ / name;
  }
  Result<ConvertReport> convert(const fs::path& in, std::string_view target, const fs::path& out) {
    return convert_checkpoint(
        *io::open_checkpoint(in).take(), target, out, pool_, silent_progress());
  }
  static void expect_equal(const fs::path& a, const fs::path& b) {
    const auto first = io::open_checkpoint(a).take();
    const auto second = io::open_checkpoint(b).take();
    const auto config = model::read_config(*first).take();
    for (const model::WeightInfo& weight : model::list_weights(config)) {
      EXPECT_EQ(codec::decode_all(model::load_weight(*first, config, weight.name).take()),
                codec::decode_all(model::load_weight(*second, config, weight.name).take()))
          << weight.name;
    }
  }

  TempFolder folder_;
  ThreadPool pool_{2};
};

/// What each target takes exactly.
struct Way {
  std::string target, recipe;
};
const std::vector<Way> kWays = {{"gptq", "method=nearest,codec=int4g32sh"},
                                {"gptq_v2", "method=nearest,codec=int4g32ah"},
                                {"gptq_v2", "method=nearest,codec=int3g64ah"},
                                {"awq", "method=nearest,codec=int4g32ah"},
                                {"bitsandbytes", "nf4-dq"},
                                {"bitsandbytes", "fp4"},
                                {"compressed-tensors", "method=nearest,codec=int4g32ah"},
                                {"compressed-tensors", "method=nearest,codec=int8csh"},
                                {"hqq", "method=hqq,codec=int4g32fh"},
                                {"hqq", "method=hqq,codec=int3g32f"},
                                {"auto-round", "method=nearest,codec=int4g32sh"},
                                {"auto-round", "method=nearest,codec=int2g32ah"}};

TEST_F(Convert, ThereAndBackWithEqualValues) {
  int n = 0;
  for (const auto& [target, recipe] : kWays) {
    SCOPED_TRACE(target + " " + recipe);
    const std::string suffix = std::to_string(n++);
    const fs::path ours = quantize(recipe, "ours" + suffix);
    const auto there = convert(ours, target, folder_ / ("there" + suffix)).take();
    EXPECT_EQ(there.n_packed, 7U);
    EXPECT_EQ(there.n_plain, 5U);
    EXPECT_EQ(there.n_verified, 12U);
    const auto back =
        convert(folder_ / ("there" + suffix), io::kNibbleTarget, folder_ / ("back" + suffix))
            .take();
    EXPECT_EQ(back.n_packed, 7U);
    expect_equal(ours, folder_ / ("there" + suffix));
    expect_equal(ours, folder_ / ("back" + suffix));
    EXPECT_EQ(testing::read_file(folder_ / ("there" + suffix) / "tokenizer.json"),
              tiny_tokenizer());
  }
}

TEST_F(Convert, EveryTargetOfTheTableIsTested) {
  for (const std::string_view target : io::format_targets()) {
    if (target != io::kNibbleTarget) {
      EXPECT_THAT(kWays, Contains(::testing::Field(&Way::target, target)));
    }
  }
}

TEST_F(Convert, WritesTheSettingsTwiceWhereToolsLookTwice) {
  convert(quantize(kWays[0].recipe, "ours"), "gptq", folder_ / "out").take();
  const Json config = Json::parse(testing::read_file(folder_ / "out/config.json"));
  EXPECT_EQ(config["quantization_config"]["quant_method"], "gptq");
  EXPECT_EQ(Json::parse(testing::read_file(folder_ / "out/quantize_config.json")),
            config["quantization_config"]);
}

TEST_F(Convert, BlocksThatStayBecomePlainInTheSmallestExactType) {
  const std::string recipe =
      "name = \"mixed\"\n[[stage]]\nsolve = \"nearest\"\n"
      "scheme = { default = \"int4g32sh\", \"model.embed_tokens.weight\" = \"int8g32sh\" }\n";
  testing::write_file(folder_ / "mixed.toml", recipe);
  const fs::path ours = quantize((folder_ / "mixed.toml").string(), "ours");
  const auto report = convert(ours, "gptq", folder_ / "out").take();
  EXPECT_THAT(report.notes, Contains(HasSubstr("model.embed_tokens.weight: from int8g32sh to")));
  expect_equal(ours, folder_ / "out");
}

TEST_F(Convert, RefusalsLeaveNothingBehind) {
  const auto why = [&](const fs::path& in, std::string_view target) {
    const auto report = convert(in, target, folder_ / "out");
    EXPECT_FALSE(fs::exists(folder_ / "out"));
    return report ? "" : report.failure().message;
  };
  EXPECT_THAT(why(folder_ / "tiny", "gptq"), HasSubstr("no linear layer is quantized"));
  EXPECT_THAT(why(folder_ / "tiny", "gptq_w2"), HasSubstr("did you mean 'gptq_v2'?"));
  EXPECT_THAT(why(quantize("nf4", "nf4"), "gptq"),
              HasSubstr("model.layers.0.self_attn.q_proj: the values of codec nf4b64"));
  EXPECT_THAT(why(quantize("hqq-int4", "hqq"), "gptq"), HasSubstr("not one of the codes 0 to 15"));
  EXPECT_THAT(why(quantize("method=nearest,codec=int4g32s", "wide"), "gptq"),
              HasSubstr("is no float16"));
}

}  // namespace
}  // namespace nibble::quant
