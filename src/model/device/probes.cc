#include "model/device/probes.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace nibble::model {
namespace {

/// Scores that are kept at once; more rows follow one another.
constexpr std::size_t kScoreBytes = std::size_t{64} << 20;

std::int32_t position_of(std::size_t key) {
  constexpr std::size_t kLast = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(std::min(key, kLast));
}

}  // namespace

DeviceProbes::DeviceProbes(const ModelConfig& config,
                           std::span<const SequenceChunk> chunks,
                           const PackedBatch& batch,
                           ops::Device& device,
                           kernels::cuda::SumMasses sum_masses)
    : device_(device), sum_masses_(sum_masses), probes_(config, chunks, batch) {
  if (probes_.empty()) {
    return;
  }
  std::vector<kernels::cuda::MassRow> rows;
  std::vector<kernels::cuda::MassSpan> spans;
  const AttentionMass* last = nullptr;
  std::size_t n_floats = 0;
  for (std::size_t i = 0; i < probes_.rows().size(); ++i) {
    const AttentionMass& mass = *probes_.targets()[i].mass;
    if (&mass != last) {  // rows of a sequence follow one another
      for (const TokenSpan& span : mass.spans()) {
        spans.push_back({position_of(span.begin), position_of(span.end)});
      }
      last = &mass;
    }
    rows.push_back({static_cast<std::int32_t>(probes_.rows()[i]),
                    static_cast<std::int32_t>(spans.size() - mass.n_spans()),
                    static_cast<std::int32_t>(mass.n_spans()),
                    0,
                    n_floats});
    sizes_.push_back(mass.row_size());
    n_floats += mass.row_size();
  }
  n_keys_ = static_cast<std::size_t>(std::ranges::max(probes_.positions())) + 1;
  row_size_ = config.n_heads * n_keys_;
  const std::size_t row_bytes = row_size_ * sizeof(float);
  const std::size_t most = std::max<std::size_t>(1, kScoreBytes / row_bytes);
  rows_ = device.upload(std::span<const kernels::cuda::MassRow>(rows));
  spans_ = device.upload(std::span<const kernels::cuda::MassSpan>(spans));
  scores_ = device.allocate(std::min(most, rows.size()) * row_bytes);
  masses_ = device.allocate(n_floats * sizeof(float));
}

void DeviceProbes::measure(const kernels::cuda::RopeTask& rope,
                           const kernels::cuda::AttentionTask& attention,
                           bool is_turned) {
  kernels::cuda::MassTask task;
  task.rope = rope;
  task.is_turned = is_turned;
  task.layer = static_cast<std::size_t>(rope.shape.layer);
  task.spans = spans_.as<const kernels::cuda::MassSpan>();
  task.n_keys = static_cast<int>(n_keys_);
  task.scores = scores_.as<float>();
  task.masses = masses_.as<float>();
  task.scale = attention.scale;
  task.softcap = attention.softcap;
  task.window = attention.window;
  const std::size_t at_once = scores_.size() / (row_size_ * sizeof(float));
  for (std::size_t first = 0; first < sizes_.size(); first += at_once) {
    task.rows = rows_.as<const kernels::cuda::MassRow>() + first;
    task.n_rows = static_cast<int>(std::min(at_once, sizes_.size() - first));
    sum_masses_(task, device_.stream());
  }
}

void DeviceProbes::keep() {
  std::vector<float> masses(masses_.size() / sizeof(float));
  device_.download(masses_.data(), masses.data(), masses_.size());
  device_.check("masses of spans");
  auto from = masses.begin();
  for (std::size_t i = 0; i < sizes_.size(); ++i) {
    const auto& [mass, row] = probes_.targets()[i];
    std::copy_n(from, sizes_[i], mass->values(row));
    from += static_cast<std::ptrdiff_t>(sizes_[i]);
  }
  probes_.keep();
}

}  // namespace nibble::model
