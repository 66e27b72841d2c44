// Masses of spans: every instruction set and every way to keep keys against the plain sums.
#include "kernels/reference/attention_mass.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/checked_math.h"
#include "kernels/select.h"
#include "ops/attention_tiles.h"
#include "support/coded_pages.h"

namespace nibble::kernels {
namespace {

using nibble::testing::CodedPages;
using nibble::testing::Coding;
using nibble::testing::normal_values;

/// Masses are at most 1; sums of up to a few hundred weights.
constexpr double kNoise = 2e-6;

struct Problem {
  std::size_t n_heads;  ///< query heads of a key/value head
  std::size_t head_dim;
  std::size_t first_position;
  std::size_t n_queries;
  std::size_t window = 0;
  float softcap = 0;
  DType floats = DType::kF32;
};

const Problem kProblems[] = {{3, 64, 0, 32},
                             {3, 64, 0, 1},
                             {3, 64, 100, 32},
                             {1, 16, 63, 2},
                             {2, 32, 120, 30, 0, 0, DType::kF16},
                             {7, 80, 190, 5, 0, 20.0F},
                             {4, 128, 255, 1, 0, 0, DType::kF16},
                             {2, 96, 130, 32, 40},
                             {5, 64, 280, 3, 150, 0, DType::kF16},
                             {1, 256, 129, 1}};

/// Spans that end at, in front of and behind borders of tiles and pages, empty ones, gaps, and one
/// past the end.
const std::vector<std::vector<KeySpan>> kSpans = {
    {{0, 1000}},
    {{0, 1}, {1, 31}, {31, 32}, {32, 33}, {33, 64}, {64, 129}, {129, 129}, {129, 1000}},
    {{5, 5}, {7, 20}, {40, 100}, {128, 192}},
    {{900, 1000}}};

AttentionTask task_of(const Problem& problem, const std::vector<float>& q, const KvPage* pages) {
  AttentionTask task;
  task.q = q.data();
  task.q_stride = problem.n_heads * problem.head_dim;
  task.n_queries = problem.n_queries;
  task.n_heads = problem.n_heads;
  task.head_dim = problem.head_dim;
  task.first_position = problem.first_position;
  task.pages = pages;
  task.page_tokens = codec::kKvPageTokens;
  task.scale = 1.0F / std::sqrt(static_cast<float>(problem.head_dim));
  task.softcap = problem.softcap;
  task.window = problem.window;
  return task;
}

/// measure(masses kernels, task, spans) by every set against the plain one.
template <class Measure>
void compare(const std::string& what,
             const Problem& problem,
             AttentionTask task,
             const Measure& measure) {
  for (const std::vector<KeySpan>& spans : kSpans) {
    const std::size_t n = problem.n_queries * problem.n_heads * spans.size();
    task.out_stride = problem.n_heads * spans.size();
    std::vector<float> wanted(n);
    task.out = wanted.data();
    measure(reference::kMass, task, spans);
    for (const KernelSet& set : usable_kernel_sets()) {
      std::vector<float> out(n, -1e30F);
      task.out = out.data();
      measure(*set.mass, task, spans);
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_NEAR(out[i], wanted[i], kNoise)
            << what << ", " << set.name << ", heads of " << problem.head_dim << ", "
            << problem.n_queries << " queries from " << problem.first_position << ", "
            << spans.size() << " spans, element " << i;
      }
    }
  }
}

std::vector<float> queries_of(const Problem& problem) {
  return normal_values(problem.n_queries * problem.n_heads * problem.head_dim, 1.0F, 3);
}

void compare_coded(const codec::KvScheme& scheme, const Problem& problem) {
  const std::size_t n = problem.first_position + problem.n_queries;
  Coding coding(scheme, {2, problem.head_dim});
  coding.rotations.cover(n);
  ops::AttentionShape shape;
  shape.n_kv_heads = 2;
  shape.n_heads = 2 * problem.n_heads;
  shape.head_dim = problem.head_dim;
  shape.page_tokens = codec::kKvPageTokens;
  shape.kv_dtype = problem.floats;
  shape.coding = &coding.view;
  const std::size_t width = 2 * problem.head_dim;
  const std::vector<float> k = normal_values(n * width, 1.0F, 1);
  const std::vector<float> v = normal_values(n * width, 1.0F, 2);
  const CodedPages pages(shape, n);
  ThreadPool pool(1);
  const ops::AttentionSequence sequence = pages.sequence(0, n);
  ops::store_kv(shape, {k.data(), n, width}, {v.data(), n, width}, std::span(&sequence, 1), pool);
  const CodedKv kv = ops::coded_kv(shape, {&sequence, 0, 1});
  const std::vector<float> q = queries_of(problem);
  compare(std::string(scheme.name),
          problem,
          task_of(problem, q, pages.pages().data()),
          [&kv](const MassKernels& kernels, const AttentionTask& task, const auto& spans) {
            kernels.coded(task, kv, spans);
          });
}

TEST(AttentionMass, OverCodedKeysAgreesWithThePlainSums) {
  for (const codec::KvScheme& scheme : codec::kv_schemes()) {
    for (const Problem& problem : kProblems) {
      if (scheme.is_coded()) {
        compare_coded(scheme, problem);
      }
    }
  }
}

/// Keys of one key/value head in pages; what nobody should read lies behind them.
template <class Element>
void compare_floats(const Problem& problem) {
  const std::size_t n = problem.first_position + problem.n_queries;
  const std::size_t page = codec::kKvPageTokens * problem.head_dim;
  const std::vector<float> k = normal_values(n * problem.head_dim, 1.0F, 1);
  std::vector<Element> keys(ceil_div(n, codec::kKvPageTokens) * page);
  if constexpr (std::is_same_v<Element, float>) {
    keys.assign(keys.size(), -3e30F);
    std::ranges::copy(k, keys.begin());
  } else {
    keys.assign(keys.size(), 0xFBFF);
    kernel_set("generic").attention->to_f16(k.data(), keys.data(), k.size());
  }
  std::vector<KvPage> pages;
  for (std::size_t at = 0; at < keys.size(); at += page) {
    pages.push_back({keys.data() + at, nullptr});
  }
  const std::vector<float> q = queries_of(problem);
  compare(sizeof(Element) == 2 ? "F16" : "F32",
          problem,
          task_of(problem, q, pages.data()),
          [](const MassKernels& kernels, const AttentionTask& task, const auto& spans) {
            (sizeof(Element) == 2 ? kernels.f16 : kernels.f32)(task, spans);
          });
}

TEST(AttentionMass, OverFloatsAgreesWithThePlainSums) {
  for (const Problem& problem : kProblems) {
    compare_floats<float>(problem);
    compare_floats<std::uint16_t>(problem);
  }
}

}  // namespace
}  // namespace nibble::kernels
