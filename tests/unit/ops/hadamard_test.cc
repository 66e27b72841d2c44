#include "ops/hadamard.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace nibble::ops {
namespace {

using ::testing::ElementsAre;

TEST(HadamardInPlace, TransformsEachRunOfEachRow) {
  ThreadPool pool(2);
  std::vector<float> x = {1, 2, 3, 5, 1, 0, 0, 0, 9, 0, 2, 0, 0, 1, 1, 1, 1, 9};
  const MatrixView<float> view(x.data(), 2, 8, 9);
  hadamard_in_place(*kernels::exact_hadamard(4), view, pool);
  EXPECT_THAT(x,
              ElementsAre(5.5F,
                          -1.5F,
                          -2.5F,
                          0.5F,
                          0.5F,
                          0.5F,
                          0.5F,
                          0.5F,
                          9,  //
                          1,
                          -1,
                          1,
                          -1,
                          2,
                          0,
                          0,
                          0,
                          9));
}

TEST(HadamardInPlace, RefusesColumnsThatDoNotFit) {
  ThreadPool pool(1);
  std::vector<float> x(6);
  EXPECT_THROW(hadamard_in_place(*kernels::exact_hadamard(4), {x.data(), 1, 6}, pool), Error);
}

}  // namespace
}  // namespace nibble::ops
