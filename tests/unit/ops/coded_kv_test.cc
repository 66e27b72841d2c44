#include "ops/coded_kv.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "support/coded_pages.h"

namespace nibble::ops {
namespace {

using nibble::testing::CodedPages;
using nibble::testing::Coding;
using nibble::testing::normal_values;
using ::testing::HasSubstr;

AttentionShape shape_of(const KvCoding* coding) {
  AttentionShape shape;
  shape.n_heads = 4;
  shape.n_kv_heads = 2;
  shape.head_dim = 32;
  shape.scale = 1.0F / std::sqrt(32.0F);
  shape.page_tokens = 64;
  shape.coding = coding;
  return shape;
}

const codec::KvScheme& scheme(std::string_view name) {
  return *codec::kv_scheme_from_name(name).take();
}

/// All queries of a sequence of `n` tokens.
std::vector<float> attend(const AttentionShape& shape,
                          const AttentionSequence& sequence,
                          std::size_t n) {
  const auto k = normal_values(n * 64, 1.0F, 1);
  const auto v = normal_values(n * 64, 1.0F, 2);
  const auto q = normal_values(n * 128, 1.0F, 3);
  std::vector<float> out(n * 128);
  ThreadPool pool(2);
  store_kv(shape, {k.data(), n, 64}, {v.data(), n, 64}, {&sequence, 1}, pool);
  attention(shape, {q.data(), n, 128}, {&sequence, 1}, {out.data(), n, 128}, pool);
  return out;
}

std::vector<float> attend_floats(std::size_t n) {
  const AttentionShape shape = shape_of(nullptr);
  const std::size_t n_pages = ceil_div(n, 64);
  std::vector<float> storage(n_pages * 2 * 64 * 64);
  std::vector<KvPageView> pages;
  for (std::size_t i = 0; i < n_pages; ++i) {
    float* const page = storage.data() + i * 2 * 64 * 64;
    pages.push_back({page, page + 64 * 64});
  }
  return attend(shape, {0, n, 0, pages}, n);
}

double error_of(std::string_view name, std::size_t n, std::size_t first_row) {
  Coding coding(scheme(name), {2, 32});
  coding.rotations.cover(n);
  const AttentionShape shape = shape_of(&coding.view);
  const CodedPages pages(shape, n);
  const auto got = attend(shape, pages.sequence(0, n), n);
  const auto wanted = attend_floats(n);
  double sum = 0;
  for (std::size_t i = first_row * 128; i < got.size(); ++i) {
    sum += std::pow(double{got[i]} - double{wanted[i]}, 2);
  }
  return std::sqrt(sum / static_cast<double>(got.size() - first_row * 128));
}

TEST(CodedKv, EightBitsAreNearFloatsAndFewerAreFarther) {
  EXPECT_LT(error_of("int8", 300, 0), 0.01);
  EXPECT_LT(error_of("int8", 300, 0), error_of("int4", 300, 0));
  EXPECT_LT(error_of("kivi-4", 300, 130), error_of("kivi-2", 300, 130));
}

TEST(CodedKv, TheResidualIsSeenAsFloats) {
  // Up to position 127 no key is coded, and no value up to 128.
  EXPECT_LT(error_of("kivi-2", 128, 0), 1e-6);
  EXPECT_GT(error_of("kivi-2", 140, 130), 1e-3);
}

TEST(CodedKv, TheSinkOfValuesIsExact) {
  Coding coding(scheme("kvquant-3"), {2, 32});
  coding.rotations.cover(1);
  const AttentionShape shape = shape_of(&coding.view);
  const CodedPages pages(shape, 1);
  const auto out = attend(shape, pages.sequence(0, 1), 1);
  const auto v = normal_values(64, 1.0F, 2);
  for (std::size_t i = 0; i < 32; ++i) {
    EXPECT_FLOAT_EQ(out[i], v[i]) << "the first token sees itself";
  }
}

std::string refusal(const AttentionShape& shape) {
  try {
    check_coding(shape);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(CodedKv, RefusesWhatItCannotCode) {
  Coding coding(scheme("kvquant-4"), {2, 32});
  AttentionShape shape = shape_of(&coding.view);
  EXPECT_EQ(refusal(shape), "");
  shape.page_tokens = 32;
  EXPECT_THAT(refusal(shape), HasSubstr("pages of 32 tokens, 64 are wanted"));
  shape = shape_of(&coding.view);
  shape.head_dim = 40;
  EXPECT_THAT(refusal(shape), HasSubstr("heads of 40, a multiple of 16 is wanted"));
  shape = shape_of(&coding.view);
  shape.n_kv_heads = 4;
  EXPECT_THAT(refusal(shape), HasSubstr("limits of 64 channels, the model has 128"));
  KvCoding bare = coding.view;
  bare.tables = nullptr;
  shape = shape_of(&bare);
  EXPECT_THAT(refusal(shape), HasSubstr("no tables"));
  bare = coding.view;
  bare.rotations = nullptr;
  EXPECT_THAT(refusal(shape), HasSubstr("no rotations"));
}

TEST(CodedKv, RefusesPagesWithoutWhatBelongsBeside) {
  Coding coding(scheme("kivi-4"), {2, 32});
  const AttentionShape shape = shape_of(&coding.view);
  const CodedPages pages(shape, 10);
  AttentionSequence sequence = pages.sequence(0, 10);
  sequence.floats = {};
  EXPECT_THROW(attend(shape, sequence, 10), Error);
}

}  // namespace
}  // namespace nibble::ops
