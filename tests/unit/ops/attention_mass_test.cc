#include "ops/attention_mass.h"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

#include "base/error.h"

namespace nibble::ops {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Two key/value heads of two query heads each, one dimension; every key is its position times
/// `step`, so that a query of 1 gives key j the weight exp(step * j).
class MassTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kTokens = 5;
  MassTest() {
    shape_.n_heads = 4;
    shape_.n_kv_heads = 2;
    shape_.head_dim = 1;
    shape_.page_tokens = 4;
    std::vector<float> k;
    for (std::size_t j = 0; j < kTokens; ++j) {
      k.push_back(static_cast<float>(j) * std::log(2.0F));  // weights 1, 2, 4, 8, 16
      k.push_back(0.0F);                                    // weights 1
    }
    const AttentionSequence all{0, kTokens, 0, pages_};
    store_kv(shape_, {k.data(), kTokens, 2}, {k.data(), kTokens, 2}, {&all, 1}, pool_);
  }

  AttentionShape shape_;
  ThreadPool pool_{2};
  std::vector<float> storage_ = std::vector<float>(4 * 8);
  std::vector<KvPageView> pages_ = {{storage_.data(), storage_.data() + 8},
                                    {storage_.data() + 16, storage_.data() + 24}};
  std::vector<float> q_ = std::vector<float>(2 * 4, 1.0F);
  std::vector<TokenSpan> spans_ = {{0, 2}, {3, 5}};
  std::vector<float> masses_ = std::vector<float>(2 * 8, -1.0F);

  void measure(const AttentionSequence& sequence, std::size_t stride = 8) {
    const MassRows rows{sequence, spans_, masses_.data(), stride};
    attention_mass(shape_, {q_.data(), 2, 4}, {&rows, 1}, pool_);
  }
  std::string error_of(const AttentionSequence& sequence, std::size_t stride = 8) {
    try {
      measure(sequence, stride);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kShapeMismatch);
      return error.what();
    }
    return "no error";
  }
};

TEST_F(MassTest, SumsWhatEachHeadGivesToASpan) {
  measure({0, 2, 3, pages_});
  const auto near = [](double x) { return ::testing::FloatNear(static_cast<float>(x), 1e-6F); };
  // Position 3: weights 1 2 4 8 of 15, then 1 1 1 1; position 4: of 31, then five of 1.
  EXPECT_THAT(masses_,
              ElementsAre(near(3.0 / 15),
                          near(8.0 / 15),
                          near(3.0 / 15),
                          near(8.0 / 15),
                          near(0.5),
                          near(0.25),
                          near(0.5),
                          near(0.25),
                          near(3.0 / 31),
                          near(24.0 / 31),
                          near(3.0 / 31),
                          near(24.0 / 31),
                          near(0.4),
                          near(0.4),
                          near(0.4),
                          near(0.4)));
}

TEST_F(MassTest, AWindowLeavesNothingOutsideIt) {
  shape_.window = 2;
  measure({0, 1, 4, pages_});
  EXPECT_EQ(masses_[0], 0.0F);
  EXPECT_NEAR(masses_[1], 1.0F, 1e-6F);
  EXPECT_EQ(masses_[8], -1.0F);  // of a row that was not asked for
}

TEST_F(MassTest, SaysWhatDoesNotFit) {
  EXPECT_THAT(error_of({0, 2, 3, pages_}, 7), HasSubstr("rows of 7 floats, 4 heads of 2 spans"));
  EXPECT_THAT(error_of({1, 2, 3, pages_}), HasSubstr("rows 1 to 3 of 2"));
  EXPECT_THAT(error_of({0, 2, 7, pages_}), HasSubstr("do not hold 9 positions"));
  spans_ = {{0, 2}, {1, 3}};
  EXPECT_THAT(error_of({0, 2, 3, pages_}), HasSubstr("ascend and are disjoint"));
}

TEST(MassSpans, AreInOrder) {
  using Spans = std::vector<TokenSpan>;
  EXPECT_TRUE(are_spans_in_order(Spans{}));
  EXPECT_TRUE(are_spans_in_order(Spans{{0, 0}, {0, 3}, {3, 4}, {7, 7}}));
  EXPECT_FALSE(are_spans_in_order(Spans{{0, 3}, {2, 4}}));
  EXPECT_FALSE(are_spans_in_order(Spans{{4, 3}}));
}

}  // namespace
}  // namespace nibble::ops
