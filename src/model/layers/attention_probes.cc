#include "model/layers/attention_probes.h"

#include <algorithm>

#include "base/error.h"

namespace nibble::model {
namespace {

void check_masses(const ModelConfig& config, std::span<const SequenceChunk> chunks) {
  std::vector<const AttentionMass*> seen;
  for (const SequenceChunk& chunk : chunks) {
    const AttentionMass* const mass = chunk.attention;
    if (mass == nullptr) {
      continue;
    }
    if (mass->n_layers() != config.n_layers || mass->n_heads() != config.n_heads) {
      raise(ErrorCode::kInvalidArgument,
            "forward: an attention probe for {} layers of {} heads, the model has {} of {}",
            mass->n_layers(),
            mass->n_heads(),
            config.n_layers,
            config.n_heads);
    }
    if (std::ranges::find(seen, mass) != seen.end()) {
      raise(ErrorCode::kInvalidArgument, "forward: one attention probe is given for two sequences");
    }
    seen.push_back(mass);
  }
}

}  // namespace

AttentionProbes::AttentionProbes(const ModelConfig& config,
                                 std::span<const SequenceChunk> chunks,
                                 const PackedBatch& batch) {
  check_masses(config, chunks);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    if (chunks[i].attention != nullptr) {
      const ops::AttentionSequence& sequence = batch.sequences()[i];
      add_chunk(chunks[i], sequence.start_position, sequence.first_row);
    }
  }
  if (!rows_.empty()) {
    probed_ = batch.select(rows_);
  }
}

void AttentionProbes::add_chunk(const SequenceChunk& chunk,
                                std::size_t start_position,
                                std::size_t first_row) {
  AttentionMass& mass = *chunk.attention;
  const std::size_t end = start_position + chunk.tokens.size();
  for (std::size_t position = mass.next_asked(start_position); position < end;
       position = mass.next_asked(position + 1)) {
    rows_.push_back(static_cast<std::uint32_t>(first_row + position - start_position));
    targets_.push_back({&mass, mass.open_row(position)});
  }
}

void AttentionProbes::enter_layer(const KvCache& cache, std::size_t layer) {
  layer_ = layer;
  probed_.enter_layer(cache, layer);
}

void AttentionProbes::measure(const ops::AttentionShape& shape,
                              MatrixView<const float> q,
                              ThreadPool& pool) {
  std::vector<ops::MassRows> runs;
  for (const ops::AttentionSequence& sequence : probed_.sequences()) {
    const Target& first = targets_[sequence.first_row];
    AttentionMass& mass = *first.mass;
    const std::size_t layer_size = mass.n_heads() * mass.n_spans();
    runs.push_back(
        {sequence, mass.spans(), mass.values(first.row) + layer_ * layer_size, mass.row_size()});
  }
  ops::attention_mass(shape, q, runs, pool);
}

void AttentionProbes::keep() {
  for (const Target& target : targets_) {
    target.mass->set_measured(target.row);
  }
}

}  // namespace nibble::model
