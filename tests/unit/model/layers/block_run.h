/// One block of a one-layer model run by itself on given rows, for hand-worked tests.
#pragma once

#include <cstdint>
#include <vector>

#include "base/progress.h"
#include "model/layers/stream.h"
#include "model/weights/weight_loader.h"
#include "unit/model/fake_checkpoint.h"

namespace nibble::model::testing {

struct BlockRun {
  ModelConfig config;
  FakeCheckpoint file{io::Container::kHuggingFace, Json::object()};
  ThreadPool pool{1};

  [[nodiscard]] WeightLoader weights() {
    return {file, config, Arithmetic::kF32, pool, silent_progress()};
  }

  /// The branch of the wanted rows when `normed` holds `x`, [rows][config.hidden].
  template <class Block>
  std::vector<float> branch(const Block& block,
                            const std::vector<float>& x,
                            const std::vector<std::uint32_t>& wanted) {
    KvCache cache(config, DType::kF32, 1 << 20);
    Workspace workspace;
    const std::vector<std::int32_t> tokens(x.size() / config.hidden);
    const SequenceChunk chunk{cache.create(), tokens};
    PackedBatch batch(std::span(&chunk, 1), cache);
    cache.extend(chunk.sequence, tokens.size());
    Stream stream({config, workspace, pool, cache}, std::move(batch), wanted);
    stream.enter_layer(0);
    std::ranges::copy(x, stream.normed().data);
    block.run(stream);
    const MatrixView<float> out = stream.branch();
    return {out.data, out.data + out.rows * out.cols};
  }
};

}  // namespace nibble::model::testing
