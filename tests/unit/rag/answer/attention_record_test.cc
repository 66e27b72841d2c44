#include "rag/answer/attention_record.h"

#include <gmock/gmock.h>

#include <cmath>

#include "unit/rag/attention/masses.h"

namespace nibble::rag {
namespace {

using model::AttentionMass;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::mass_config;

/// Instruction [0, 6), documents [6, 10) and [12, 14), question [16, 18), cue [18, 20); the second
/// document is gold.
Context context() {
  Context out;
  out.documents = {{.passage = {"T", "one"}}, {.passage = {"T", "two"}, .is_gold = true}};
  out.prompt.documents = {{60, 63}, {80, 83}};
  out.tokens.tokens.resize(20);
  out.tokens.documents = {{6, 10}, {12, 14}};
  out.tokens.question = {16, 18};
  return out;
}

/// Two layers of one head. `masses` of the documents at a row are those of layer 0; layer 1 has
/// twice as much.
class Masses {
 public:
  Masses(std::vector<std::size_t> rows, std::size_t every_row_from)
      : probe_(evidence_probe(evidence_layout(context()))),
        mass_(std::make_shared<AttentionMass>(
            mass_config(2, 1),
            model::AttentionProbe{std::move(rows), probe_.probe.spans, every_row_from})) {}

  Masses& set(std::size_t position, float first, float second) {
    const std::size_t row = mass_->open_row(position);
    float* values = mass_->values(row);
    const std::size_t n = mass_->n_spans();
    for (std::size_t layer = 0; layer < 2; ++layer) {
      const float scale = layer == 0 ? 1.0F : 2.0F;
      std::fill_n(values + layer * n, n, 0.01F);
      values[layer * n + probe_.sinks.at(0)] = 0.2F;
      values[layer * n + probe_.documents.at(0)] = scale * first;
      values[layer * n + probe_.documents.at(1)] = scale * second;
    }
    mass_->set_measured(row);
    return *this;
  }
  [[nodiscard]] std::shared_ptr<const AttentionMass> mass() const { return mass_; }

 private:
  EvidenceProbe probe_;
  std::shared_ptr<AttentionMass> mass_;
};

eval::EvidenceResponse response() {
  eval::EvidenceResponse out;
  out.tokens = {5, 6, 7, 8};
  out.own = Masses({16, 17, 19}, 20)
                .set(16, 0.125F, 0.125F)
                .set(17, 0.375F, 0.125F)
                .set(19, 0.2F, 0.1F)
                .set(20, 0.1F, 0.1F)
                .set(21, 0.1F, 0.1F)
                .set(22, 0.1F, 0.1F)
                .mass();
  return out;
}

double value(const eval::SampleScores& scores, std::string_view metric) {
  const auto& score = scores.at(std::string(metric));
  return score ? score->sum : -1;
}

TEST(AttentionRequest, AsksForTheQuestionTheLastTokenAndAllSpans) {
  const eval::EvidenceRequest request = attention_request(context(), 8, {"\n"});
  EXPECT_THAT(request.rows, ElementsAre(16, 17, 19));
  EXPECT_EQ(request.prompt.size(), 20U);
  EXPECT_EQ(request.max_tokens, 8U);
  EXPECT_THAT(request.stop, ElementsAre("\n"));
  EXPECT_EQ(request.spans, evidence_probe(evidence_layout(context())).probe.spans);
}

TEST(ReadAttention, RecordsMassesByHeadLayerAndStep) {
  const AttentionRecord record = read_attention(context(), response()).record;
  EXPECT_EQ(record.n_layers, 2U);
  EXPECT_EQ(record.n_heads, 1U);
  EXPECT_THAT(record.last, ElementsAre(0.2F, 0.1F, 0.4F, 0.2F));
  EXPECT_FLOAT_EQ(record.question[0], 0.25F);
  EXPECT_FLOAT_EQ(record.question[3], 0.25F);
  EXPECT_THAT(record.sinks, ElementsAre(0.2F, 0.2F));
  ASSERT_EQ(record.n_steps(), 4U);
  EXPECT_NEAR(record.step(0)[0], 0.3, 1e-6);
  EXPECT_NEAR(record.step(3)[1], 0.15, 1e-6);
  EXPECT_TRUE(record.own_steps.empty());
  EXPECT_THAT(record.answer, ElementsAre(5, 6, 7, 8));
  EXPECT_THAT(record.gold(), ElementsAre(1));
  EXPECT_EQ(record.documents[1].begin, 80U);
  EXPECT_EQ(record.documents[0].n_tokens, 4U);
}

TEST(ReadAttention, ScoresByDensityOfTheLastToken) {
  const eval::SampleScores scores = read_attention(context(), response()).scores;
  // Densities 0.3 / 4 and 0.15 / 2 are equal.
  EXPECT_DOUBLE_EQ(value(scores, "attention_p1"), 0.5);
  EXPECT_DOUBLE_EQ(value(scores, "attention_rank"), 1.5);
  EXPECT_NEAR(value(scores, "attention_gold"), 1.0 / 3, 1e-6);
  EXPECT_NEAR(value(scores, "attention_lift"), 1, 1e-6);
  EXPECT_NEAR(value(scores, "attention_gini"), 0, 1e-6);
  EXPECT_NEAR(value(scores, "attention_documents"), 0.45, 1e-6);
  EXPECT_NEAR(value(scores, "attention_sinks"), 0.2, 1e-6);
  // The question's masses 0.375 and 0.1875, over 4 and 2 tokens: equal again.
  EXPECT_DOUBLE_EQ(value(scores, "attention_p1_question"), 0.5);
}

TEST(ReadAttention, DriftFollowsTheForcedAnswer) {
  const auto free = read_attention(context(), response()).scores;
  // p_0 = (2/3, 1/3), later (1/2, 1/2): the gold share grows by 1/6 at once and stays.
  EXPECT_NEAR(value(free, "drift_from_relevant"), -1.0 / 6, 1e-6);
  EXPECT_NEAR(value(free, "drift_mean"), value(free, "drift_max"), 1e-9);
  EXPECT_NEAR(value(free, "drift_step"), value(free, "drift_mean") / 3, 1e-9);
  EXPECT_EQ(value(free, "drift_mean_own"), value(free, "drift_mean"));
  eval::EvidenceResponse forced = response();
  forced.forced = Masses({20, 21, 22}, model::kNoRow)
                      .set(20, 0.2F, 0.1F)
                      .set(21, 0.4F, 0.2F)
                      .set(22, 0.2F, 0.1F)
                      .mass();
  const AttentionResult read = read_attention(context(), forced);
  EXPECT_NEAR(value(read.scores, "drift_mean"), 0, 1e-9);
  EXPECT_EQ(value(read.scores, "drift_mean_own"), value(free, "drift_mean"));
  EXPECT_EQ(read.record.own_steps.size(), 8U);
  EXPECT_NEAR(read.record.step(2)[0], 0.6, 1e-6);
}

TEST(ReadAttention, AShortAnswerHasNoDrift) {
  eval::EvidenceResponse two = response();
  two.own = Masses({16, 17, 19}, 20)
                .set(16, 0.1F, 0.1F)
                .set(17, 0.1F, 0.1F)
                .set(19, 0.2F, 0.1F)
                .set(20, 0.1F, 0.1F)
                .mass();
  const eval::SampleScores scores = read_attention(context(), two).scores;
  EXPECT_FALSE(scores.at("drift_mean").has_value());
  EXPECT_TRUE(scores.at("attention_p1").has_value());
  for (const auto& [metric, score] : no_attention_scores()) {
    EXPECT_TRUE(scores.contains(metric)) << metric;
  }
}

TEST(PackAttention, ComesBack) {
  AttentionRecord record = read_attention(context(), response()).record;
  record.question[0] = std::numeric_limits<float>::quiet_NaN();
  const AttentionRecord back = unpack_attention(pack(record)).take();
  EXPECT_EQ(back.answer, record.answer);
  EXPECT_EQ(back.steps, record.steps);
  EXPECT_EQ(back.sinks, record.sinks);
  EXPECT_TRUE(std::isnan(back.question[0]));
  EXPECT_EQ(back.question[1], record.question[1]);
  EXPECT_NEAR(back.last[2], 0.4F, 2e-4F);
  EXPECT_EQ(back.documents[1].is_gold, true);
  EXPECT_EQ(back.documents[0].end, 63U);
}

TEST(PackAttention, RefusesWhatIsBroken) {
  const std::string packed = pack(read_attention(context(), response()).record);
  for (std::size_t n = 0; n < packed.size(); ++n) {
    EXPECT_FALSE(unpack_attention(std::string_view(packed).substr(0, n))) << n;
  }
  EXPECT_FALSE(unpack_attention(packed + "x"));
  std::string other = packed;
  other[0] = 9;
  EXPECT_THAT(unpack_attention(other).failure().message, HasSubstr("version 9, wanted 1"));
  std::string huge = packed;
  huge[11] = '\x7f';
  EXPECT_FALSE(unpack_attention(huge));
}

}  // namespace
}  // namespace nibble::rag
