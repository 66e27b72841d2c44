#include "rag/attention/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "unit/rag/attention/masses.h"

namespace nibble::rag {
namespace {

using model::AttentionMass;
using model::TokenSpan;
using ::testing::ElementsAre;
using testing::mass_config;

constexpr std::size_t kEnd = std::numeric_limits<std::size_t>::max();

/// Instruction [0, 6), documents [6, 10) and [12, 14), question [16, 18), cue [18, 20).
EvidenceLayout layout() {
  return {20, {{6, 10}, {12, 14}}, {16, 18}, {1}};
}

TEST(EvidenceProbe, CoversEveryKeyOnce) {
  const EvidenceProbe got = evidence_probe(layout());
  EXPECT_THAT(got.probe.spans,
              ElementsAre(TokenSpan{0, 4},
                          TokenSpan{4, 6},
                          TokenSpan{6, 10},
                          TokenSpan{10, 12},
                          TokenSpan{12, 14},
                          TokenSpan{14, 16},
                          TokenSpan{16, 18},
                          TokenSpan{18, 20},
                          TokenSpan{20, kEnd}));
  EXPECT_THAT(got.sinks, ElementsAre(0));
  EXPECT_THAT(got.documents, ElementsAre(2, 4));
  EXPECT_THAT(got.templates, ElementsAre(1, 3, 5, 7));
  EXPECT_THAT(got.questions, ElementsAre(6));
  EXPECT_THAT(got.answers, ElementsAre(8));
  EXPECT_THAT(got.probe.rows, ElementsAre(16, 17));
  EXPECT_EQ(got.probe.every_row_from, 19U);
  EXPECT_TRUE(evidence_probe(layout(), false).probe.rows.empty());
}

TEST(EvidenceProbe, AQuestionMayStandInFrontOrNowhere) {
  EvidenceLayout front = layout();
  front.question = {1, 3};
  const EvidenceProbe got = evidence_probe(front);
  EXPECT_EQ(got.probe.spans[0], (TokenSpan{0, 1}));
  EXPECT_THAT(got.questions, ElementsAre(1));
  EXPECT_THAT(got.documents, ElementsAre(3, 5));
  front.question = {0, 0};
  EXPECT_TRUE(evidence_probe(front).questions.empty());
  EXPECT_EQ(evidence_probe(front).probe.spans[0], (TokenSpan{0, 4}));
}

TEST(EvidenceProbe, RefusesWhatDoesNotFit) {
  const auto refuses = [](EvidenceLayout wrong) {
    try {
      evidence_probe(wrong);
      return false;
    } catch (const Error& error) {
      return error.code() == ErrorCode::kInvalidArgument;
    }
  };
  EvidenceLayout wrong = layout();
  wrong.documents = {};
  EXPECT_TRUE(refuses(wrong));
  wrong.documents = {{6, 10}, {9, 12}};
  EXPECT_TRUE(refuses(wrong));
  wrong.documents = {{6, 10}, {12, 21}};
  EXPECT_TRUE(refuses(wrong));
  wrong = layout();
  wrong.gold = {2};
  EXPECT_TRUE(refuses(wrong));
  wrong.gold = {};
  EXPECT_TRUE(refuses(wrong));
}

/// One head that gives the spans sink, template, document, template, document, template, question,
/// cue, answer what is said.
class EvidenceReadingTest : public ::testing::Test {
 protected:
  EvidenceReadingTest() {
    testing::fill(mass_, 0, {0.1F, 0, 0.2F, 0, 0.2F, 0, 0.5F, 0, 0});
    testing::fill(mass_, 1, {0.1F, 0, 0.2F, 0, 0.6F, 0, 0.1F, 0, 0});
    const std::size_t last = mass_.open_row(19);
    testing::fill(mass_, last, {0.25F, 0.125F, 0.25F, 0, 0.25F, 0, 0.125F, 0, 0});
  }

  EvidenceProbe probe_ = evidence_probe(layout());
  AttentionMass mass_{mass_config(1, 1), probe_.probe};
  HeadSet heads_ = all_heads(1, 1);
};

TEST_F(EvidenceReadingTest, OfThePromptsLastToken) {
  const EvidenceReading got = read_evidence(mass_, layout(), probe_, heads_);
  ASSERT_TRUE(got.last.has_value());
  EXPECT_THAT(got.last->share, ElementsAre(0.5, 0.5));
  // Equal masses over four and two tokens.
  EXPECT_NEAR(got.last->density[1], 2.0 / 3, 1e-15);
  EXPECT_EQ(got.last->precision_at_1, 1.0);
  EXPECT_EQ(got.last->gold_rank, 1.0);
  EXPECT_NEAR(got.last->gold_lift, 4.0 / 3, 1e-15);
  EXPECT_EQ(got.last->gold_mass, 0.5);
  EXPECT_NEAR(got.last->gini, 1.0 / 6, 1e-15);
  EXPECT_EQ(got.document_mass, 0.5);
  EXPECT_EQ(got.sink_mass, 0.25);
  EXPECT_EQ(got.template_mass, 0.125);
  EXPECT_EQ(got.reachable, 1.0);
  EXPECT_FALSE(got.drift.has_value());  // no token of an answer was measured
}

TEST_F(EvidenceReadingTest, OfTheQuestionsTokens) {
  const EvidenceReading got = read_evidence(mass_, layout(), probe_, heads_);
  ASSERT_TRUE(got.question.has_value());
  EXPECT_NEAR(got.question->share[1], 2.0 / 3, 1e-7);  // (0.2 + 0.6) of (0.4 + 0.8)
}

TEST_F(EvidenceReadingTest, DriftOfAnAnswer) {
  testing::fill(mass_, mass_.open_row(20), {0, 0, 0.5F, 0, 0, 0, 0, 0, 0.5F});
  const EvidenceReading got = read_evidence(mass_, layout(), probe_, heads_);
  ASSERT_TRUE(got.drift.has_value());
  EXPECT_EQ(got.drift->n_steps, 1U);
  EXPECT_NEAR(got.drift->mean, 0.3112781244591328, 1e-14);
  EXPECT_EQ(got.drift->mean_from_relevant, 0.5);
  EXPECT_EQ(got.drift->first_off_gold, 1U);
}

TEST(EvidenceReading, OfWhatIsOutOfSightIsMissing) {
  const EvidenceProbe probe = evidence_probe(layout());
  AttentionMass mass(mass_config(1, 1, 10), probe.probe);  // the last token sees 10 to 19
  testing::fill(mass, mass.open_row(19), std::vector<float>(9, 0.125F));
  const EvidenceReading got = read_evidence(mass, layout(), probe, all_heads(1, 1));
  EXPECT_FALSE(got.last.has_value());
  EXPECT_FALSE(got.question.has_value());
  EXPECT_FALSE(got.document_mass.has_value());
  EXPECT_EQ(got.reachable, 2.0 / 6);
}

TEST(EvidenceReading, RefusesAPromptThatWasNotRead) {
  const EvidenceProbe probe = evidence_probe(layout());
  const AttentionMass mass(mass_config(1, 1), probe.probe);
  EXPECT_THROW(read_evidence(mass, layout(), probe, all_heads(1, 1)), Error);
}

}  // namespace
}  // namespace nibble::rag
