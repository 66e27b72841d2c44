#include "model/layers/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace nibble::model {
namespace {

class StreamTest : public ::testing::Test {
 protected:
  StreamTest() {
    config_.hidden = 2;
    config_.n_layers = 2;
    config_.n_heads = config_.n_kv_heads = 1;
    config_.head_dim = 2;
    config_.norm_epsilon = 0.0F;
  }
  Stream make(const std::vector<std::uint32_t>& wanted) {
    const SequenceChunk chunk{sequence_, tokens_};
    PackedBatch batch(std::span(&chunk, 1), cache_);
    cache_.extend(sequence_, tokens_.size());
    Stream stream({config_, workspace_, pool_, cache_}, std::move(batch), wanted);
    for (std::size_t r = 0; r < tokens_.size(); ++r) {
      stream.hidden()(r, 0) = static_cast<float>(r + 1);
      stream.hidden()(r, 1) = static_cast<float>(r + 1);
    }
    return stream;
  }

  ModelConfig config_;
  Workspace workspace_;
  ThreadPool pool_{1};
  KvCache cache_{config(), DType::kF16, 1 << 20};
  SequenceId sequence_ = cache_.create();
  std::vector<std::int32_t> tokens_ = {5, 6, 7};

 private:
  static ModelConfig config() {
    ModelConfig out;
    out.n_layers = 2;
    out.n_heads = out.n_kv_heads = 1;
    out.head_dim = 2;
    return out;
  }
};

TEST_F(StreamTest, NormalizesAndAddsTheBranch) {
  const std::vector<std::uint32_t> wanted = {0, 1, 2};
  Stream stream = make(wanted);
  stream.enter_layer(0);
  stream.normalize(std::vector<float>{1.0F, 3.0F});
  EXPECT_FLOAT_EQ(stream.normed()(2, 0), 1.0F);
  EXPECT_FLOAT_EQ(stream.normed()(2, 1), 3.0F);
  std::fill_n(stream.branch().data, 6, 4.0F);
  stream.normalize_branch(std::vector<float>{0.5F, 1.0F});
  stream.add_branch();
  EXPECT_FLOAT_EQ(stream.hidden()(1, 0), 2.5F);
  EXPECT_FLOAT_EQ(stream.hidden()(1, 1), 3.0F);
  EXPECT_EQ(stream.kv_dtype(), DType::kF16);
}

TEST_F(StreamTest, NarrowsInTheLastLayerOnlyAndOnlyToFewerRows) {
  const std::vector<std::uint32_t> wanted = {2};
  Stream stream = make(wanted);
  stream.enter_layer(0);
  EXPECT_FALSE(stream.narrows());
  stream.enter_layer(1);
  ASSERT_TRUE(stream.narrows());
  stream.normalize(std::vector<float>{1.0F, 1.0F});
  stream.narrow();
  EXPECT_EQ(stream.n_rows(), 1U);
  EXPECT_EQ(stream.hidden()(0, 0), 3.0F);
  EXPECT_FLOAT_EQ(stream.normed()(0, 1), 1.0F);
  EXPECT_EQ(stream.all().n_rows(), 3U);
  EXPECT_EQ(stream.queries().positions()[0], 2);
  EXPECT_EQ(stream.queries().sequences()[0].pages.size(), 1U);
  EXPECT_FALSE(stream.narrows());
}

TEST_F(StreamTest, DoesNotNarrowWhereAllRowsAreWanted) {
  const std::vector<std::uint32_t> wanted = {0, 1, 2};
  Stream stream = make(wanted);
  stream.enter_layer(1);
  EXPECT_FALSE(stream.narrows());
}

TEST_F(StreamTest, NothingWantedIsNothingLeft) {
  const std::vector<std::uint32_t> nothing;
  Stream stream = make(nothing);
  stream.enter_layer(1);
  stream.narrow();
  stream.normalize(std::vector<float>{1.0F, 1.0F});
  stream.add_branch();
  EXPECT_EQ(stream.n_rows(), 0U);
}

}  // namespace
}  // namespace nibble::model
