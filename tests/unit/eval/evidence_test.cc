#include "eval/evidence.h"

#include <gmock/gmock.h>

#include "eval/engine.h"
#include "unit/model/tiny_model.h"

namespace nibble::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

/// The tiny model, in arithmetic that does not depend on company.
class EvidenceTest : public ::testing::Test {
 protected:
  EvidenceTest() {
    request_.prompt = tokens("Where do cats sleep? On a mat, mostly.");
    request_.rows = {6, 7, request_.prompt.size() - 1};
    request_.spans = {{0, 4}, {10, 20}, {20, 31}};
    request_.max_tokens = 6;
  }
  std::vector<std::int32_t> tokens(std::string_view text) const {
    return model_.tokenizer->encode(text, text::AddSpecial::kNo).take();
  }
  EvidenceResponse answer(const std::vector<Request>& requests, std::size_t index = 0) {
    Engine engine(model_, default_engine_options(model_));
    return std::get<EvidenceResponse>(engine.answer(requests).at(index));
  }
  model::AttentionMass measure(std::vector<std::int32_t> read, std::vector<std::size_t> rows) {
    return model::measure_attention(
        *model_.model, read, {.rows = std::move(rows), .spans = request_.spans});
  }
  model::testing::TinyCopy files_;
  ThreadPool pool_{1};
  model::LoadedModel model_ =
      model::load_model(
          files_.path(), {.arithmetic = Arithmetic::kDeterministic}, pool_, silent_progress())
          .take();
  EvidenceRequest request_;
};

std::vector<float> values(const model::AttentionMass& mass, std::size_t row) {
  const auto span = mass.of_row(row);
  return {span.begin(), span.end()};
}

TEST_F(EvidenceTest, AnswersAsAGenerationDoes) {
  const GenerationRequest plain{"Where do cats sleep? On a mat, mostly.", 6, {}};
  Engine engine(model_, default_engine_options(model_));
  const auto wanted =
      std::get<GenerationResponse>(engine.answer(std::vector<Request>{plain}).at(0));
  const EvidenceResponse got = answer({request_});
  EXPECT_EQ(got.generation.text, wanted.text);
  EXPECT_EQ(got.tokens.size(), wanted.n_tokens);
  EXPECT_EQ(got.forced, nullptr);
}

TEST_F(EvidenceTest, MeasuresThePromptAndItsOwnAnswer) {
  const EvidenceResponse got = answer({request_});
  ASSERT_GE(got.tokens.size(), 2U);
  std::vector<std::int32_t> read = request_.prompt;
  read.insert(read.end(), got.tokens.begin(), got.tokens.end() - 1);
  std::vector<std::size_t> rows = request_.rows;
  for (std::size_t row = request_.prompt.size(); row < read.size(); ++row) {
    rows.push_back(row);
  }
  EXPECT_THAT(got.own->rows(), ElementsAreArray(rows));
  const model::AttentionMass wanted = measure(read, rows);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    EXPECT_EQ(values(*got.own, row), values(wanted, row)) << row;
  }
}

TEST_F(EvidenceTest, ReadsAForcedAnswerBehindThePrompt) {
  request_.forced = tokens("a mat");
  const EvidenceResponse got = answer({request_});
  ASSERT_NE(got.forced, nullptr);
  std::vector<std::int32_t> read = request_.prompt;
  read.insert(read.end(), request_.forced.begin(), request_.forced.end() - 1);
  const std::size_t n = request_.prompt.size();
  EXPECT_THAT(got.forced->rows(), ElementsAre(n, n + 1, n + 2, n + 3));
  const model::AttentionMass wanted = measure(read, {n, n + 1, n + 2, n + 3});
  for (std::size_t row = 0; row < 4; ++row) {
    EXPECT_EQ(values(*got.forced, row), values(wanted, row)) << row;
  }
  request_.forced.resize(1);  // its one token is the last, which is never read
  EXPECT_EQ(answer({request_}).forced, nullptr);
}

TEST_F(EvidenceTest, RequestsKeepTheirOwnAnswersInCompany) {
  EvidenceRequest other = request_;
  other.forced = tokens("dogs");
  other.prompt.back() = tokens("?").front();
  const GenerationRequest plain{"Rain.", 3, {}};
  const std::vector<Request> all = {request_, plain, other};
  const EvidenceResponse alone = answer({other});
  const EvidenceResponse together = answer(all, 2);
  EXPECT_EQ(together.tokens, alone.tokens);
  EXPECT_EQ(values(*together.own, 2), values(*alone.own, 2));
  EXPECT_EQ(values(*together.forced, 1), values(*alone.forced, 1));
  EXPECT_EQ(answer(all, 0).tokens, answer({request_}).tokens);
}

TEST_F(EvidenceTest, RefusesAPromptWithoutRoomForItsAnswer) {
  request_.max_tokens = 1 << 20;
  EXPECT_THROW(answer({request_}), Error);
}

}  // namespace
}  // namespace nibble::eval
