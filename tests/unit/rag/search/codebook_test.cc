#include "rag/search/codebook.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;

class CodebookTest : public ::testing::Test {
 protected:
  ThreadPool pool_{2};
};

TEST_F(CodebookTest, FindsTheMeansOfTwoHeaps) {
  const std::vector<float> points = {0, 1, 0, 3, 10, 0, 12, 0};
  const Codebook book = Codebook::train({points.data(), 4, 2}, 2, 1, pool_);
  std::vector<float> centroids(book.centroids().begin(), book.centroids().end());
  if (centroids[0] > 5) {
    std::swap_ranges(centroids.begin(), centroids.begin() + 2, centroids.begin() + 2);
  }
  EXPECT_THAT(centroids, ElementsAre(0, 2, 11, 0));
}

TEST_F(CodebookTest, NearestIsByDistanceNotByProduct) {
  const Codebook book({1, 0, 10, 0}, 2, pool_);  // 10 has the larger product with 2
  const std::vector<float> points = {2, 0, 9, 1};
  std::vector<std::uint32_t> nearest(2);
  book.nearest({points.data(), 2, 2}, nearest, pool_);
  EXPECT_THAT(nearest, ElementsAre(0, 1));
  std::vector<float> products(4);
  book.multiply({points.data(), 2, 2}, {products.data(), 2, 2}, pool_);
  EXPECT_THAT(products, ElementsAre(2, 20, 9, 90));
}

TEST_F(CodebookTest, AsManyCentroidsAsPointsAreThePoints) {
  const std::vector<float> points = {3, 1, 2};
  const Codebook book = Codebook::train({points.data(), 3, 1}, 7, 1, pool_);
  EXPECT_EQ(book.size(), 3U);
  std::vector<float> centroids(book.centroids().begin(), book.centroids().end());
  std::ranges::sort(centroids);
  EXPECT_THAT(centroids, ElementsAre(1, 2, 3));
}

TEST_F(CodebookTest, AnEmptyClusterTakesHalfOfTheLargest) {
  const std::vector<float> points = {1, 1, 1, 1, 1, 1, 1, 5};  // two centroids begin as equal ones
  const Codebook book = Codebook::train({points.data(), 8, 1}, 3, 1, pool_);
  std::vector<std::uint32_t> nearest(8);
  book.nearest({points.data(), 8, 1}, nearest, pool_);
  EXPECT_NE(nearest[0], nearest[7]);
  EXPECT_NEAR(book.centroid(nearest[7])[0], 5.0F, 0.01F);
}

TEST_F(CodebookTest, LearnsPartsOfRowsInPlace) {
  const std::vector<float> points = {9, 1, 9, 9, 2, 9, 9, 1, 9, 9, 2, 9};  // [4, 3]
  const MatrixView<const float> all(points.data(), 4, 3);
  const Codebook book = Codebook::train(all.cols_from(1, 1), 2, 1, pool_);
  std::vector<float> centroids(book.centroids().begin(), book.centroids().end());
  std::ranges::sort(centroids);
  EXPECT_THAT(centroids, ElementsAre(1, 2));
}

}  // namespace
}  // namespace nibble::rag
