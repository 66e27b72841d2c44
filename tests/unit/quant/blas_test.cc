#include "quant/blas.h"

#include <gmock/gmock.h>

#include <array>
#include <cstdlib>

#include "base/error.h"

namespace nibble::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Blas, MultipliesTwoSmallMatrices) {
  const std::array<float, 4> a = {1, 2, 3, 4};
  const std::array<float, 4> b = {5, 6, 7, 8};
  std::array<float, 4> c = {100, 100, 100, 100};
  blas().sgemm(CblasRowMajor,
               CblasNoTrans,
               CblasNoTrans,
               2,
               2,
               2,
               -1.0F,
               a.data(),
               2,
               b.data(),
               2,
               1.0F,
               c.data(),
               2);
  EXPECT_THAT(c, ElementsAre(81, 78, 57, 50));
  EXPECT_GE(blas().calls_at_once, 1);
}

TEST(Blas, FactorsAMatrixWorkedByHand) {
  std::array<double, 4> a = {4, 2, 2, 5};  // = L L^T, L = [2 0; 1 2]
  const int n = 2;
  int failed = -1;
  blas().dpotrf("U", &n, a.data(), &n, &failed);
  EXPECT_EQ(failed, 0);
  EXPECT_THAT((std::array{a[0], a[2], a[3]}), ElementsAre(2.0, 1.0, 2.0));
}

#if defined(__x86_64__)
TEST(Blas, KernelsAreThoseOfTheProcessorWhetherOpenBlasKnowsItsModelOrNot) {
  if (std::getenv("OPENBLAS_CORETYPE") != nullptr || !__builtin_cpu_supports("avx2")) {
    GTEST_SKIP() << "the user's choice, or a processor without AVX2";
  }
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const char* avx2 = __builtin_cpu_is("amd") ? "Zen" : "Haswell";
  EXPECT_EQ(blas().core, has_avx512 ? "SkylakeX" : avx2);
  EXPECT_EQ(std::getenv("OPENBLAS_CORETYPE"), nullptr) << "ours is not for programs we start";
}
#endif

TEST(Blas, AMissingLibraryIsNamed) {
  try {
    load_blas("libno-such-blas.so.0");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), HasSubstr("libno-such-blas.so.0"));
  }
}

TEST(Blas, ALibraryWithoutItsFunctionsIsRefused) {
  try {
    load_blas("libm.so.6");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_STREQ(error.what(), "libm.so.6: no function cblas_dgemm, which OpenBLAS has");
  }
}

}  // namespace
}  // namespace nibble::quant
