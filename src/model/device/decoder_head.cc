// The output head of a device's decoder: logits, and scores of tokens under logits that stay there.
#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "model/device/buffers.h"
#include "model/device/decoder.h"

namespace nibble::model {
namespace {

using kernels::cuda::Epilogue;

/// The targets of rows [first, first + n), as the kernel wants them.
struct TargetRange {
  std::vector<std::int32_t> tokens, rows;
  std::size_t first_target = 0;
};

TargetRange targets_of(std::span<const ops::RowTarget> targets, std::size_t first, std::size_t n) {
  const auto begin = std::ranges::lower_bound(targets, first, {}, &ops::RowTarget::row);
  const auto end = std::ranges::lower_bound(targets, first + n, {}, &ops::RowTarget::row);
  TargetRange out;
  out.first_target = static_cast<std::size_t>(begin - targets.begin());
  for (auto target = begin; target != end; ++target) {
    out.tokens.push_back(target->token);
    out.rows.push_back(static_cast<std::int32_t>(target->row - first));
  }
  return out;
}

void check_targets(std::span<const ops::RowTarget> targets, std::size_t n_rows, std::size_t vocab) {
  const bool ascending = std::ranges::is_sorted(targets, {}, &ops::RowTarget::row);
  if (!ascending || (!targets.empty() && targets.back().row >= n_rows)) {
    raise(ErrorCode::kShapeMismatch, "targets must ascend by row and lie in {} rows", n_rows);
  }
  for (const ops::RowTarget& target : targets) {
    if (target.token < 0 || static_cast<std::size_t>(target.token) >= vocab) {
      raise(ErrorCode::kShapeMismatch,
            "target {} is outside the vocabulary of {}",
            target.token,
            vocab);
    }
  }
}

}  // namespace

void DeviceDecoder::apply_head(std::size_t n_rows) {
  Buffers& b = *buffers_;
  device_->kernels().to_half(
      b.final_hidden.as<float>(), b.normed.data(), n_rows * config_.hidden, device_->stream());
  weights_.head.apply(
      *device_,
      ops::DeviceRows{b.normed.data(), n_rows, config_.hidden},
      {scratch(b.logits, n_rows * config_.vocab * sizeof(float)), config_.vocab, Epilogue::kFloat},
      fixed_order(),
      b.linear);
  if (config_.final_softcap > 0.0F) {
    device_->kernels().cap(reinterpret_cast<float*>(scratch(b.logits, 0)),
                           n_rows * config_.vocab,
                           config_.final_softcap,
                           device_->stream());
  }
}

void DeviceDecoder::upload_hidden(MatrixView<const float> hidden) {
  const std::size_t line = config_.hidden * sizeof(float);
  need_rows(hidden.rows);
  std::byte* const staging = buffers_->need_staging(*device_, hidden.rows * line);
  for (std::size_t row = 0; row < hidden.rows; ++row) {
    std::memcpy(staging + row * line, hidden.row(row), line);
  }
  device_->upload(staging, buffers_->final_hidden.data(), hidden.rows * line);
}

void DeviceDecoder::head(MatrixView<const float> hidden, MatrixView<float> logits) {
  if (hidden.cols != config_.hidden || logits.rows != hidden.rows || logits.cols != config_.vocab) {
    raise(ErrorCode::kShapeMismatch,
          "head: hidden [{}, {}] to logits [{}, {}], a vocabulary of {}",
          hidden.rows,
          hidden.cols,
          logits.rows,
          logits.cols,
          config_.vocab);
  }
  const std::size_t at_once = logit_rows_at_once(config_.vocab);
  const std::size_t line = config_.vocab * sizeof(float);
  for (std::size_t first = 0; first < hidden.rows; first += at_once) {
    const std::size_t n = std::min(at_once, hidden.rows - first);
    upload_hidden(hidden.rows_from(first, n));
    apply_head(n);
    device_->check("the output head");
    device_->synchronize();  // the staging memory is read
    std::byte* const staging = buffers_->need_staging(*device_, n * line);
    device_->download(scratch(buffers_->logits, 0), staging, n * line);
    for (std::size_t row = 0; row < n; ++row) {
      std::memcpy(logits.row(first + row), staging + row * line, line);
    }
  }
}

void DeviceDecoder::score(MatrixView<const float> hidden,
                          std::span<const ops::RowTarget> targets,
                          std::span<ops::TokenScore> scores) {
  check_targets(targets, hidden.rows, config_.vocab);
  if (hidden.cols != config_.hidden || scores.size() != targets.size()) {
    raise(ErrorCode::kShapeMismatch,
          "score: hidden of {} columns, {} scores for {} targets",
          hidden.cols,
          scores.size(),
          targets.size());
  }
  const std::size_t at_once = logit_rows_at_once(config_.vocab);
  for (std::size_t first = 0; first < hidden.rows; first += at_once) {
    const std::size_t n = std::min(at_once, hidden.rows - first);
    const TargetRange range = targets_of(targets, first, n);
    upload_hidden(hidden.rows_from(first, n));
    apply_head(n);
    score_rows(range.tokens, range.rows, n, scores.subspan(range.first_target, range.rows.size()));
  }
}

void DeviceDecoder::score_rows(std::span<const std::int32_t> tokens,
                               std::span<const std::int32_t> rows,
                               std::size_t n_rows,
                               std::span<ops::TokenScore> scores) {
  Buffers& b = *buffers_;
  const std::size_t n = tokens.size();
  std::byte* const places = scratch(b.targets, 2 * n * sizeof(std::int32_t));
  device_->upload(tokens.data(), places, n * sizeof(std::int32_t));
  device_->upload(rows.data(), places + n * sizeof(std::int32_t), n * sizeof(std::int32_t));
  kernels::cuda::ScoreTask task;
  task.logits = reinterpret_cast<const float*>(scratch(b.logits, 0));
  task.n_rows = static_cast<int>(n_rows);
  task.vocab = static_cast<int>(config_.vocab);
  task.targets = reinterpret_cast<const std::int32_t*>(places);
  task.target_rows = task.targets + n;
  task.n_targets = static_cast<int>(n);
  task.log_sums = reinterpret_cast<double*>(scratch(b.log_sums, n_rows * sizeof(double)));
  task.best = reinterpret_cast<std::int32_t*>(scratch(b.best, n_rows * sizeof(std::int32_t)));
  task.target_logits = reinterpret_cast<float*>(scratch(b.target_logits, n * sizeof(float)));
  device_->kernels().scores(task, device_->stream());
  device_->check("scores");

  std::vector<double> log_sums(n_rows);
  std::vector<std::int32_t> best(n_rows);
  std::vector<float> logits(n);
  device_->download(task.log_sums, log_sums.data(), n_rows * sizeof(double));
  device_->download(task.best, best.data(), n_rows * sizeof(std::int32_t));
  device_->download(task.target_logits, logits.data(), n * sizeof(float));
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = static_cast<std::size_t>(rows[i]);
    scores[i] = {static_cast<double>(logits[i]) - log_sums[row], best[row] == tokens[i]};
  }
}

}  // namespace nibble::model
