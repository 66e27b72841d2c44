#include "eval/divergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "unit/eval/fake_model.h"

namespace nibble::eval {
namespace {

TEST(RowDivergence, WorkedByHand) {
  // p = (1/2, 1/4, 1/4), q = (1/4, 1/2, 1/4); adding a constant to logits changes nothing.
  const std::vector<float> p = {std::log(2.0F), 0, 0};
  const std::vector<float> q = {5, 5 + std::log(2.0F), 5};
  const Divergence row = row_divergence(p, q);
  EXPECT_NEAR(row.kl, 0.5 * std::log(2.0) + 0.25 * std::log(0.5), 1e-6);
  EXPECT_EQ(row.n_rows, 1U);
  EXPECT_EQ(row.n_same_top, 0U);
}

TEST(RowDivergence, OfTheSameIsZeroAndOfOthersPositive) {
  const std::vector<float> p = {1, -2, 0.5F, 3, 3};
  EXPECT_EQ(row_divergence(p, p).kl, 0);
  EXPECT_EQ(row_divergence(p, p).n_same_top, 1U);
  std::vector<float> q = p;
  q[1] = 0;
  EXPECT_GT(row_divergence(p, q).kl, 0);
  EXPECT_NE(row_divergence(p, q).kl, row_divergence(q, p).kl);
}

TEST(RowDivergence, ATokenThatTheReferenceRulesOutAddsNothing) {
  const float never = -std::numeric_limits<float>::infinity();
  EXPECT_NEAR(row_divergence(std::vector<float>{0, 0, never}, std::vector<float>{0, 0, 0}).kl,
              std::log(1.5),
              1e-7);
}

TEST(RowDivergence, LogitsThatAreNotFiniteGiveNoNumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(row_divergence(std::vector<float>{0, 0}, std::vector<float>{nan, 0}).kl));
  EXPECT_TRUE(std::isnan(row_divergence(std::vector<float>{0, nan}, std::vector<float>{0, 0}).kl));
}

TEST(FinalStates, DoNotDependOnBatches) {
  FakeModel model;
  const std::vector<std::int32_t> tokens = {5, 6, 7, 8, 9, 10, 11};
  const std::vector<float> whole = final_states(model, tokens, 3, 512);
  EXPECT_EQ(whole.size(), 4U * 2);
  for (const std::size_t batch : {1U, 2U, 3U, 5U}) {
    EXPECT_EQ(final_states(model, tokens, 3, batch), whole) << batch;
  }
}

/// As FakeModel with another vocabulary order, so that it disagrees with it.
class OtherModel final : public FakeModel {
 public:
  void head(MatrixView<const float> hidden, MatrixView<float> logits) override {
    FakeModel::head(hidden, logits);
    for (std::size_t r = 0; r < logits.rows; ++r) {
      logits(r, 17) += 9;
    }
  }
};

TEST(CompareWindow, IsTheSumOfItsRows) {
  FakeModel model;
  OtherModel other;
  const std::vector<std::int32_t> tokens(70, 3);
  const auto reference = model_reference(model, 512);
  const Divergence same = compare_window(model, *reference, tokens, 10, 512);
  EXPECT_EQ(same.kl, 0);
  EXPECT_EQ(same.n_rows, 60U);
  EXPECT_EQ(same.n_same_top, 60U);

  const Divergence apart = compare_window(other, *reference, tokens, 10, 512);
  double sum = 0;
  for (std::size_t row = 10; row < tokens.size(); ++row) {
    const auto states = final_states(model, std::span(tokens).first(row + 1), row, 512);
    std::vector<float> p(259);
    std::vector<float> q(259);
    model.head(MatrixView<const float>(states.data(), 1, 2), MatrixView<float>(p.data(), 1, 259));
    other.head(MatrixView<const float>(states.data(), 1, 2), MatrixView<float>(q.data(), 1, 259));
    sum += row_divergence(p, q).kl;
  }
  EXPECT_GT(sum, 1);
  EXPECT_NEAR(apart.kl, sum, 1e-9 * sum);
  EXPECT_LT(apart.n_same_top, 60U);
}

TEST(CompareWindow, RefusesAnotherVocabulary) {
  class Small final : public Reference {
   public:
    std::vector<float> states(std::span<const std::int32_t>, std::size_t) override { return {}; }
    void head(MatrixView<const float>, MatrixView<float>) override {}
    [[nodiscard]] std::size_t vocab() const noexcept override { return 100; }
  };
  FakeModel model;
  Small reference;
  const std::vector<std::int32_t> tokens(8, 3);
  try {
    compare_window(model, reference, tokens, 4, 512);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kShapeMismatch);
  }
}

}  // namespace
}  // namespace nibble::eval
