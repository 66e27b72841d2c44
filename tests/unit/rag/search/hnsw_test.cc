#include "rag/search/hnsw.h"

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

class HnswTest : public ::testing::Test {
 protected:
  HnswTest() {
    settings_ = AnnSettings::parse("hnsw:M=4").take().resolved(kN, kDims).take();
    index_ = make_hnsw(settings_, {kN, kDims}, pool_);
    index_->add({vectors_.data(), kN, kDims});
    bytes_ = bytes_of(*index_);
  }
  std::string refusal() { return testing::refusal(bytes_, settings_, kN, kDims, pool_); }
  void put(std::size_t at, std::uint32_t value) {
    std::memcpy(bytes_.data() + at, &value, sizeof(value));
  }

  ThreadPool pool_{1};
  AnnSettings settings_;
  std::vector<float> vectors_ = clustered(kN, kDims, 1);
  std::unique_ptr<AnnIndex> index_;
  std::vector<std::byte> bytes_;
  static constexpr std::size_t kLists = 8 + kN;  ///< where the first list begins
};

TEST_F(HnswTest, ScoresAreExactProducts) {
  const MatrixView<const float> questions(vectors_.data(), 1, kDims);
  EXPECT_TRUE(index_->is_exact());
  const auto found = index_->search(questions, 10);
  ASSERT_EQ(found.front().size(), 10U);
  for (const Hit& hit : found.front()) {
    double wanted = 0;
    for (std::size_t d = 0; d < kDims; ++d) {
      wanted += double{vectors_[d]} * double{vectors_[hit.item * kDims + d]};
    }
    EXPECT_NEAR(hit.score, wanted, 1e-6);
  }
}

TEST_F(HnswTest, HasUpperLevels) {
  const auto top = std::ranges::max(std::span(bytes_).subspan(8, kN));
  EXPECT_GT(static_cast<int>(top), 0);
  EXPECT_LT(static_cast<int>(top), 10);
}

TEST_F(HnswTest, RefusesLinksOutOfTheGraph) {
  put(kLists + 2, kN);
  EXPECT_THAT(refusal(), HasSubstr("a link"));
}

TEST_F(HnswTest, RefusesAListLongerThanALevelTakes) {
  put(kLists, 9);
  EXPECT_THAT(refusal(), HasSubstr("a list's length"));
}

TEST_F(HnswTest, RefusesAnEntryBelowTheTop) {
  std::uint32_t low = 0;
  while (static_cast<int>(bytes_[8 + low]) != 0) {
    ++low;
  }
  put(4, low);
  EXPECT_THAT(refusal(), HasSubstr("the entry's level"));
  put(4, kN);
  EXPECT_THAT(refusal(), HasSubstr("the entry"));
}

TEST_F(HnswTest, RefusesLevelsThatNoGraphHas) {
  for (std::size_t i = 0; i < kN; ++i) {
    bytes_[8 + i] = std::byte{60};
  }
  EXPECT_THAT(refusal(), HasSubstr("too many lists"));
}

}  // namespace
}  // namespace nibble::rag
