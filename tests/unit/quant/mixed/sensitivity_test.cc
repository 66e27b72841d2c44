#include "quant/mixed/sensitivity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "model/config.h"
#include "unit/quant/tiny_checkpoint.h"

namespace nibble::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The tiny model of three layers; what changes is the sum of squared differences of all weights.
class SensitivityTest : public ::testing::Test {
 protected:
  SensitivityTest() {
    write_tiny_checkpoint(folder_ / "tiny", 0.0F, 3);
    source_ = io::open_checkpoint(folder_ / "tiny").take();
    config_ = model::read_config(*source_).take();
  }

  double difference(const io::Checkpoint& other) const {
    double sum = 0;
    for (const model::WeightInfo& weight : model::list_weights(config_)) {
      const auto a = codec::decode_all(model::load_weight(*source_, config_, weight.name).take());
      const auto b = codec::decode_all(model::load_weight(other, config_, weight.name).take());
      for (std::size_t i = 0; i < a.size(); ++i) {
        const auto d = static_cast<double>(a[i] - b[i]);
        sum += d * d;
      }
    }
    return sum;
  }

  Sensitivity measure(std::string_view recipe,
                      std::vector<std::string> codecs,
                      PartKind kind = PartKind::kBlock) {
    const Recipe base = load_recipe(recipe).take();
    return measure_sensitivity(
        {*source_, base, std::move(codecs), kind, "difference"},
        [this](const io::Checkpoint& other) { return difference(other); },
        pool_,
        silent_progress());
  }

  std::string refusal(std::string_view recipe, std::vector<std::string> codecs) {
    try {
      measure(recipe, std::move(codecs));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
      return error.what();
    }
    return "none";
  }

  nibble::testing::TempFolder folder_;
  std::unique_ptr<io::Checkpoint> source_;
  model::ModelConfig config_;
  ThreadPool pool_{1};
};

TEST_F(SensitivityTest, EachBlockAloneWithEachCodec) {
  const Sensitivity found = measure("method=nearest,codec=int4g64ah", {"int2g64ah", "int8g64ah"});
  ASSERT_EQ(found.parts.size(), 3U);
  EXPECT_EQ(found.parts[2].pattern, "model.layers.2.*");
  EXPECT_EQ(found.method, "nearest");
  EXPECT_EQ(found.n_weights(), 3U * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64));
  for (const Part& part : found.parts) {
    ASSERT_EQ(part.options.size(), 2U);
    EXPECT_LT(part.options[0].bytes, part.options[1].bytes);
    EXPECT_GT(part.options[0].loss, 100 * part.options[1].loss);  // 2 bits against 8
    EXPECT_GT(part.options[1].loss, 0);
  }
}

TEST_F(SensitivityTest, OrEachMatrixAlone) {
  const Sensitivity found = measure("method=hqq,codec=int4g64fh", {"int4g64fh"}, PartKind::kMatrix);
  ASSERT_EQ(found.parts.size(), 21U);
  EXPECT_EQ(found.parts[0].pattern, "model.layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(found.method, "hqq");
}

TEST_F(SensitivityTest, MethodsThatLookAtTextHaveNearestInTheirPlace) {
  EXPECT_EQ(measure("gptq-4bit-g128", {"int4g128ah"}).method, "nearest in place of gptq");
}

TEST_F(SensitivityTest, WhatCannotBeMeasuredIsRefused) {
  EXPECT_THAT(refusal("quarot-w4", {"int4g128ah"}), HasSubstr("without transforms"));
  EXPECT_THAT(refusal("gguf-q4_k_m", {"q4_k"}), HasSubstr("no stage gives"));
  EXPECT_NE(refusal("method=hqq,codec=int4g64fh", {"nf4b64"}), "none");
}

TEST_F(SensitivityTest, IsKeptAsJsonAndBelongsToItsJob) {
  const Sensitivity found = measure("rtn-int4", {"int3g64ah"});
  const Sensitivity again = sensitivity_from_json(sensitivity_json(found), "s.json").take();
  EXPECT_EQ(again.job, found.job);
  EXPECT_EQ(again.codecs, found.codecs);
  EXPECT_EQ(again.parts[1].options[0].bytes, found.parts[1].options[0].bytes);
  EXPECT_EQ(again.parts[1].options[0].loss, found.parts[1].options[0].loss);
  const Recipe base = load_recipe("rtn-int4").take();
  EXPECT_EQ(job_hash({*source_, base, {"int3g64ah"}, PartKind::kBlock, "difference"}), found.job);
  EXPECT_NE(job_hash({*source_, base, {"int2g64ah"}, PartKind::kBlock, "difference"}), found.job);
  EXPECT_NE(job_hash({*source_, base, {"int3g64ah"}, PartKind::kBlock, "other"}), found.job);
}

TEST(SensitivityJson, OtherJsonIsRefused) {
  const auto refusal = [](const Json& json) {
    return sensitivity_from_json(json, "s.json").failure().message;
  };
  EXPECT_THAT(refusal(Json::array()), HasSubstr("s.json: no table of sensitivities"));
  const Json odd = {
      {"codecs", {"a", "b"}},
      {"method", "m"},
      {"job", "j"},
      {"parts",
       {{{"pattern", "p"}, {"weights", 1}, {"options", {{{"bytes", 1}, {"loss", 0.5}}}}}}}};
  EXPECT_THAT(refusal(odd), HasSubstr("part p has 1 options for 2 codecs"));
}

TEST(CodecsOfAllBits, ChangeTheBitsAlone) {
  EXPECT_THAT(
      codecs_of_all_bits("int4g64fh").take(),
      ElementsAre("int2g64fh", "int3g64fh", "int4g64fh", "int5g64fh", "int6g64fh", "int8g64fh"));
  EXPECT_THAT(codecs_of_all_bits("nf4b64").failure().message, HasSubstr("name the codecs"));
}

}  // namespace
}  // namespace nibble::quant
