#include "model/attention_mass.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "model/language_model.h"
#include "model/layers/attention_block.h"

namespace nibble::model {
namespace {

constexpr float kNotMeasured = std::numeric_limits<float>::quiet_NaN();

void check_probe(const AttentionProbe& probe) {
  if (std::ranges::adjacent_find(probe.rows, std::greater_equal{}) != probe.rows.end()) {
    raise(ErrorCode::kInvalidArgument, "attention probe: rows must ascend");
  }
  if (!probe.rows.empty() && probe.rows.back() >= probe.every_row_from) {
    raise(ErrorCode::kInvalidArgument,
          "attention probe: row {} is given beside every row from {} on",
          probe.rows.back(),
          probe.every_row_from);
  }
  if (probe.spans.empty() || !ops::are_spans_in_order(probe.spans)) {
    raise(ErrorCode::kInvalidArgument,
          "attention probe: at least one span is wanted, and spans must ascend and be disjoint");
  }
}

}  // namespace

AttentionMass::AttentionMass(const ModelConfig& config, AttentionProbe probe)
    : n_heads_(config.n_heads), every_row_from_(probe.every_row_from) {
  check_probe(probe);
  for (std::size_t layer = 0; layer < config.n_layers; ++layer) {
    windows_.push_back(attention_shape(config, layer).window);
  }
  rows_ = std::move(probe.rows);
  spans_ = std::move(probe.spans);
  measured_.resize(rows_.size());
  values_.assign(rows_.size() * row_size(), kNotMeasured);
}

std::optional<std::size_t> AttentionMass::find_row(std::size_t position) const {
  const auto found = std::ranges::lower_bound(rows_, position);
  if (found == rows_.end() || *found != position) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - rows_.begin());
}

bool AttentionMass::is_complete() const {
  return std::ranges::all_of(measured_, [](std::uint8_t is) { return is != 0; });
}

double AttentionMass::outside(std::size_t layer, std::size_t head, std::size_t row) const {
  const auto masses = of_row(row).subspan((layer * n_heads_ + head) * n_spans(), n_spans());
  return 1.0 - std::accumulate(masses.begin(), masses.end(), 0.0);
}

std::size_t AttentionMass::n_reachable(std::size_t layer, std::size_t row, std::size_t span) const {
  const std::size_t position = rows_[row];
  const std::size_t begin =
      std::max(spans_[span].begin, kernels::first_visible(position, windows_[layer]));
  const std::size_t end = std::min(spans_[span].end, position + 1);
  return end > begin ? end - begin : 0;
}

std::size_t AttentionMass::next_asked(std::size_t position) const {
  const auto found = std::ranges::lower_bound(rows_, position);
  const std::size_t listed = found == rows_.end() ? kNoRow : *found;
  return std::min(listed, std::max(position, every_row_from_));
}

std::size_t AttentionMass::open_row(std::size_t position) {
  const auto place = std::ranges::lower_bound(rows_, position);
  const auto row = static_cast<std::size_t>(place - rows_.begin());
  if (place == rows_.end() || *place != position) {
    const auto offset = static_cast<std::ptrdiff_t>(row);
    rows_.insert(place, position);
    measured_.insert(measured_.begin() + offset, 0);
    values_.insert(values_.begin() + offset * static_cast<std::ptrdiff_t>(row_size()),
                   row_size(),
                   kNotMeasured);
  }
  return row;
}

AttentionMass measure_attention(LanguageModel& model,
                                std::span<const std::int32_t> tokens,
                                AttentionProbe probe,
                                std::size_t chunk_tokens) {
  AttentionMass mass(model.config(), std::move(probe));
  const std::size_t n_bytes = std::numeric_limits<std::size_t>::max();
  KvCache cache = model.make_cache(n_bytes);
  const SequenceId sequence = cache.create();
  const std::size_t step = std::max<std::size_t>(chunk_tokens, 1);
  for (std::size_t first = 0; first < tokens.size(); first += step) {
    const SequenceChunk chunk{
        sequence, tokens.subspan(first, std::min(step, tokens.size() - first)), &mass};
    model.forward({&chunk, 1}, cache, {}, {});
  }
  return mass;
}

}  // namespace nibble::model
