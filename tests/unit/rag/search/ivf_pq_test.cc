#include "rag/search/ivf_pq.h"

#include <gmock/gmock.h>

#include "unit/rag/search/ann_bytes.h"
#include "unit/rag/search/clustered.h"

namespace nibble::rag {
namespace {

using testing::bytes_of;
using testing::clustered;
using ::testing::HasSubstr;

constexpr std::size_t kDims = 16;
constexpr std::size_t kN = 200;

class IvfPqTest : public ::testing::Test {
 protected:
  IvfPqTest() {
    settings_ = AnnSettings::parse("ivf-pq:nlist=5,m=4").take().resolved(kN, kDims).take();
    index_ = make_ivf_pq(settings_, {kN, kDims}, pool_);
    EXPECT_EQ(index_->n_training(), kN);
    index_->train({vectors_.data(), kN, kDims});
    index_->add({vectors_.data(), kN, kDims});
  }

  ThreadPool pool_{2};
  AnnSettings settings_;
  std::vector<float> vectors_ = clustered(kN, kDims, 1);
  std::unique_ptr<AnnIndex> index_;
};

TEST_F(IvfPqTest, WithACodeForEveryVectorAndAllListsReadItIsFlatSearch) {
  index_->set_search({.n_probes = 5});
  const std::vector<float> asked = clustered(20, kDims, 2);
  const MatrixView<const float> questions(asked.data(), 20, kDims);
  const auto found = index_->search(questions, 10);
  const auto wanted =
      make_flat_index({vectors_.data(), kN, kDims}, "", pool_)->search(questions, 10);
  for (std::size_t q = 0; q < questions.rows; ++q) {
    for (std::size_t i = 0; i < 10; ++i) {
      EXPECT_EQ(found[q][i].item, wanted[q][i].item);
      EXPECT_NEAR(found[q][i].score, wanted[q][i].score, 1e-5);
    }
  }
  EXPECT_FALSE(index_->is_exact());
}

TEST_F(IvfPqTest, OneProbeReadsOneList) {
  index_->set_search({.n_probes = 1});
  EXPECT_LT(index_->search({vectors_.data(), 1, kDims}, kN).front().size(), kN);
  index_->set_search({.n_probes = 99});
  EXPECT_EQ(index_->search({vectors_.data(), 1, kDims}, kN).front().size(), kN);
}

TEST_F(IvfPqTest, RefusesAPassageInTwoLists) {
  std::vector<std::byte> bytes = bytes_of(*index_);
  const std::size_t lists = 4 + 5 * kDims * sizeof(float) + 4 + kN * kDims * sizeof(float);
  std::uint32_t count = 0;
  std::memcpy(&count, bytes.data() + lists, sizeof(count));
  ASSERT_GE(count, 2U);
  std::memcpy(bytes.data() + lists + 4, bytes.data() + lists + 8, 4);  // the first is the second
  EXPECT_THAT(testing::refusal(bytes, settings_, kN, kDims, pool_),
              HasSubstr("a passage of a list"));
}

TEST_F(IvfPqTest, TakesFarFewerBytesThanVectors) {
  EXPECT_EQ(index_->n_bytes(), (5 + 256) * kDims * 2 * sizeof(float) + kN * (4 + 4));
}

}  // namespace
}  // namespace nibble::rag
