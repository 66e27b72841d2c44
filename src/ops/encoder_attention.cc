#include "ops/encoder_attention.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "kernels/select.h"

namespace nibble::ops {
namespace {

struct Task {
  std::size_t first_row;
  std::size_t n_tokens;
  std::size_t head;
};

/// One head of one sequence as contiguous rows.
void gather(MatrixView<const float> from, const Task& task, std::size_t head_dim, float* to) {
  for (std::size_t t = 0; t < task.n_tokens; ++t) {
    const float* row = from.row(task.first_row + t) + task.head * head_dim;
    std::memcpy(to + t * head_dim, row, head_dim * sizeof(float));
  }
}

void check(const EncoderAttention& shape,
           std::span<const MatrixView<const float>> operands,
           std::span<const std::size_t> lengths) {
  if (shape.head_dim == 0 || shape.head_dim > kernels::kMaxHeadDim) {
    raise(ErrorCode::kUnsupported,
          "encoder attention: head_dim is {}, 1 to {} is wanted",
          shape.head_dim,
          kernels::kMaxHeadDim);
  }
  const std::size_t rows = std::accumulate(lengths.begin(), lengths.end(), std::size_t{0});
  for (const MatrixView<const float>& x : operands) {
    if (x.rows != rows || x.cols != shape.n_heads * shape.head_dim) {
      raise(ErrorCode::kShapeMismatch,
            "encoder attention: an operand is [{}, {}], {} tokens of {} heads of {} are wanted",
            x.rows,
            x.cols,
            rows,
            shape.n_heads,
            shape.head_dim);
    }
  }
}

/// Long sequences go first, so that the threads end together.
std::vector<Task> split(std::span<const std::size_t> lengths, std::size_t n_heads) {
  std::vector<Task> tasks;
  tasks.reserve(lengths.size() * n_heads);
  std::size_t row = 0;
  for (const std::size_t n : lengths) {
    for (std::size_t head = 0; n > 0 && head < n_heads; ++head) {
      tasks.push_back({row, n, head});
    }
    row += n;
  }
  std::ranges::stable_sort(tasks, std::greater{}, &Task::n_tokens);
  return tasks;
}

}  // namespace

void EncoderAttention::apply(MatrixView<const float> q,
                             MatrixView<const float> k,
                             MatrixView<const float> v,
                             std::span<const std::size_t> lengths,
                             MatrixView<float> out,
                             ThreadPool& pool) const {
  const MatrixView<const float> operands[] = {q, k, v, out};
  check(*this, operands, lengths);
  const std::vector<Task> tasks = split(lengths, n_heads);
  const std::size_t longest = tasks.empty() ? 0 : tasks.front().n_tokens;
  const std::size_t part = longest * head_dim;
  std::vector<float> buffers(pool.size() * 2 * part);
  const auto kernel = kernels::kernels().attention->f32;
  pool.run(tasks.size(), [&](std::size_t i, std::size_t worker) {
    const Task& task = tasks[i];
    float* keys = buffers.data() + worker * 2 * part;
    float* values = keys + part;
    gather(k, task, head_dim, keys);
    gather(v, task, head_dim, values);
    const kernels::KvPage page = {keys, values};
    kernel({.q = q.row(task.first_row) + task.head * head_dim,
            .out = out.row(task.first_row) + task.head * head_dim,
            .q_stride = q.stride,
            .out_stride = out.stride,
            .n_queries = task.n_tokens,
            .n_heads = 1,
            .head_dim = head_dim,
            .first_position = task.n_tokens - 1,
            .is_causal = false,
            .pages = &page,
            .page_tokens = task.n_tokens,
            .scale = scale});
  });
}

}  // namespace nibble::ops
