// Attention over coded keys and values: every scheme and instruction set against the plain kernel.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/reference/attention_coded.h"
#include "kernels/select.h"
#include "ops/attention_tiles.h"
#include "support/coded_pages.h"

namespace nibble::kernels {
namespace {

using nibble::testing::CodedPages;
using nibble::testing::Coding;
using nibble::testing::normal_values;

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

ops::AttentionShape shape_of(const Problem& problem, const ops::KvCoding& coding) {
  ops::AttentionShape shape;
  shape.n_kv_heads = 2;
  shape.n_heads = 2 * problem.n_heads;
  shape.head_dim = problem.head_dim;
  shape.page_tokens = codec::kKvPageTokens;
  shape.kv_dtype = problem.floats;
  shape.coding = &coding;
  return shape;
}

/// The task of the second key/value head.
AttentionTask task_of(const Problem& problem,
                      const std::vector<float>& q,
                      std::vector<float>& out,
                      const CodedPages& pages) {
  AttentionTask task;
  task.q = q.data();
  task.out = out.data();
  task.q_stride = task.out_stride = problem.n_heads * problem.head_dim;
  task.n_queries = problem.n_queries;
  task.n_heads = problem.n_heads;
  task.head_dim = problem.head_dim;
  task.first_position = problem.first_position;
  task.pages = pages.pages().data();
  task.page_tokens = codec::kKvPageTokens;
  task.scale = 1.0F / std::sqrt(static_cast<float>(problem.head_dim));
  task.softcap = problem.softcap;
  task.window = problem.window;
  return task;
}

void compare(const codec::KvScheme& scheme, const Problem& problem) {
  const std::size_t n = problem.first_position + problem.n_queries;
  Coding coding(scheme, {2, problem.head_dim});
  coding.rotations.cover(n);
  const ops::AttentionShape shape = shape_of(problem, coding.view);
  const std::size_t width = 2 * problem.head_dim;
  const std::vector<float> k = normal_values(n * width, 1.0F, 1);
  const std::vector<float> v = normal_values(n * width, 1.0F, 2);
  const CodedPages pages(shape, n);
  ThreadPool pool(1);
  const ops::AttentionSequence sequence = pages.sequence(0, n);
  ops::store_kv(shape, {k.data(), n, width}, {v.data(), n, width}, std::span(&sequence, 1), pool);
  const std::vector<float> q =
      normal_values(problem.n_queries * problem.n_heads * problem.head_dim, 1.0F, 3);
  std::vector<float> wanted(q.size());
  const CodedKv kv = ops::coded_kv(shape, {&sequence, 0, 1});
  reference::attention_coded(task_of(problem, q, wanted, pages), kv);
  for (const KernelSet& set : usable_kernel_sets()) {
    std::vector<float> out(q.size(), -1e30F);
    set.attention->coded(task_of(problem, q, out, pages), kv);
    for (std::size_t i = 0; i < out.size(); ++i) {
      ASSERT_NEAR(out[i], wanted[i], 5e-6)
          << scheme.name << ", " << set.name << ", heads of " << problem.head_dim << ", "
          << problem.n_queries << " queries from " << problem.first_position << ", element " << i;
    }
  }
}

TEST(CodedAttention, AgreesWithThePlainKernel) {
  for (const codec::KvScheme& scheme : codec::kv_schemes()) {
    for (const Problem& problem : kProblems) {
      if (scheme.is_coded()) {
        compare(scheme, problem);
      }
    }
  }
}

}  // namespace
}  // namespace nibble::kernels
