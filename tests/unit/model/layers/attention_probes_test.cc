#include "model/layers/attention_probes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace nibble::model {
namespace {

using ::testing::ElementsAre;

class AttentionProbesTest : public ::testing::Test {
 protected:
  static ModelConfig config(std::size_t n_heads = 1) {
    ModelConfig out;
    out.n_layers = out.n_kv_heads = 1;
    out.n_heads = n_heads;
    out.head_dim = 2;
    return out;
  }
  static AttentionMass mass(std::vector<std::size_t> rows, std::size_t from = kNoRow) {
    return {config(), {std::move(rows), {{0, 1}}, from}};
  }
  AttentionProbesTest() {
    cache_.extend(a_, 70);
    cache_.extend(b_, 3);
  }

  KvCache cache_{config(), DType::kF32, 1 << 20};
  SequenceId a_ = cache_.create(), b_ = cache_.create(), c_ = cache_.create();
  std::vector<std::int32_t> tokens_ = {1, 2, 3, 4};
};

TEST_F(AttentionProbesTest, FindsTheRowsThatLieInThePass) {
  AttentionMass of_a = mass({2, 71, 73, 90});
  AttentionMass of_c = mass({}, 2);
  const std::vector<SequenceChunk> chunks = {
      {a_, tokens_, &of_a}, {b_, tokens_}, {c_, tokens_, &of_c}};
  AttentionProbes probes(config(), chunks, PackedBatch(chunks, cache_));
  EXPECT_THAT(probes.rows(), ElementsAre(1, 3, 10, 11));
  EXPECT_THAT(probes.positions(), ElementsAre(71, 73, 2, 3));
  EXPECT_THAT(of_c.rows(), ElementsAre(2, 3));
  EXPECT_FALSE(of_c.is_complete());
  probes.keep();
  EXPECT_TRUE(of_c.is_complete());
  EXPECT_FALSE(of_a.is_measured(0));
  EXPECT_TRUE(of_a.is_measured(1));
  EXPECT_TRUE(of_a.is_measured(2));
  EXPECT_FALSE(of_a.is_measured(3));
}

TEST_F(AttentionProbesTest, NothingAskedIsNothingProbed) {
  AttentionMass behind = mass({90});
  const std::vector<SequenceChunk> chunks = {{a_, tokens_, &behind}, {b_, tokens_}};
  EXPECT_TRUE(AttentionProbes(config(), chunks, PackedBatch(chunks, cache_)).empty());
}

TEST_F(AttentionProbesTest, RefusesMassesOfAnotherModelOrOfTwoSequences) {
  AttentionMass one = mass({0});
  const std::vector<SequenceChunk> twice = {{a_, tokens_, &one}, {b_, tokens_, &one}};
  EXPECT_THROW(AttentionProbes(config(), twice, PackedBatch(twice, cache_)), Error);
  const std::vector<SequenceChunk> other = {{a_, tokens_, &one}};
  EXPECT_THROW(AttentionProbes(config(2), other, PackedBatch(other, cache_)), Error);
}

}  // namespace
}  // namespace nibble::model
