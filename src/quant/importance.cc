#include "quant/importance.h"

#include <fmt/format.h>

#include <vector>

#include "base/cancel.h"
#include "codec/dense.h"
#include "io/gguf/writer.h"
#include "model/config.h"
#include "model/load.h"
#include "model/weights/weight_names.h"
#include "quant/calibrate/decoder_block.h"
#include "quant/calibrate/embed_windows.h"
#include "quant/calibrate/input_statistics.h"

namespace nibble::quant {
namespace {

io::StoredTensor row_of(std::string name, const std::vector<float>& values) {
  return {std::move(name),
          {1, values.size()},
          codec::dense_matrix(Tensor::from<float>(DType::kF32, {1, values.size()}, values))};
}

class Collection {
 public:
  Collection(const model::ModelConfig& config, std::size_t n_tokens, io::GgufWriter& writer)
      : config_(config), n_tokens_(static_cast<float>(n_tokens)), writer_(writer) {}

  /// Runs the tokens through a block and writes what its linear layers read.
  void add_block(DecoderBlock& block, std::size_t layer, BlockTokens& tokens, ThreadPool& pool) {
    std::vector<InputStatistics> sites;
    for (const Site site : kSites) {
      sites.emplace_back(Needs{.mean_square = true}, block.cols_at(site));
    }
    tokens.for_each_part(block, [&](const BlockRows& rows, std::size_t /*first*/) {
      for (std::size_t s = 0; s < sites.size(); ++s) {
        sites[s].add(block.reach(kSites[s], rows), pool);
      }
      block.leave(rows);
    });
    for (std::size_t s = 0; s < sites.size(); ++s) {
      sites[s].finish();
      for (const std::string_view name : linears_at(kSites[s])) {
        add_weight(fmt::format("model.layers.{}.{}", layer, name), sites[s]);
      }
    }
  }

  [[nodiscard]] std::size_t n_weights() const { return n_weights_; }

 private:
  void add_weight(const std::string& weight, const InputStatistics& inputs) {
    inputs.require_finite(weight);
    const auto name = model::gguf_name(config_, weight);
    NIBBLE_CHECK(name.has_value(), "a linear layer without a name in GGUF");
    const auto means = inputs.solve_input({}).mean_square;
    std::vector<float> sums(means.begin(), means.end());
    for (float& sum : sums) {
      sum *= n_tokens_;
    }
    writer_.add_tensor(row_of(*name + ".in_sum2", sums)).take();
    writer_.add_tensor(row_of(*name + ".counts", {n_tokens_})).take();
    ++n_weights_;
  }

  const model::ModelConfig& config_;
  float n_tokens_;
  io::GgufWriter& writer_;
  std::size_t n_weights_ = 0;
};

void set_metadata(const CalibrationWindows& windows, io::GgufWriter& writer) {
  writer.set("general.type", std::string("imatrix")).take();
  writer.set("imatrix.datasets", std::vector<std::string>{windows.file.filename().string()}).take();
  writer.set("imatrix.chunk_count", static_cast<std::uint32_t>(windows.n_windows)).take();
  writer.set("imatrix.chunk_size", static_cast<std::uint32_t>(windows.window)).take();
  writer.set("nibble.calibration_sha256", windows.sha256).take();
}

}  // namespace

Result<ImportanceReport> write_importance(const io::Checkpoint& checkpoint,
                                          const CalibrationSpec& spec,
                                          const std::filesystem::path& data,
                                          const std::filesystem::path& file,
                                          ThreadPool& pool,
                                          ProgressSink& progress) {
  try {
    if (std::filesystem::exists(file)) {
      raise(ErrorCode::kInvalidArgument, "{}: exists already; name a new file", file.string());
    }
    const model::ModelConfig config = model::read_config(checkpoint).take();
    const auto tokenizer = model::load_tokenizer(checkpoint).take();
    model::check_vocabulary(*tokenizer, config, checkpoint.path()).take();
    const CalibrationWindows windows = make_windows(spec, data, *tokenizer).take();
    auto writer = io::GgufWriter::create(file).take();
    set_metadata(windows, writer);
    BlockTokens tokens = embed_windows(checkpoint, config, windows);
    Collection collection(config, windows.ids.size(), writer);
    progress.begin("importance matrix", config.n_layers);
    for (std::size_t layer = 0; layer < config.n_layers; ++layer) {
      cancel_flag().check();
      DecoderBlock block = DecoderBlock::load(checkpoint, config, layer, pool);
      collection.add_block(block, layer, tokens, pool);
      checkpoint.release_pages();
      progress.advance(1);
    }
    writer.finish().take();
    progress.end();
    return ImportanceReport{collection.n_weights(), windows.ids.size(), windows.sha256};
  } catch (const Error& error) {
    return error.failure();
  }
}

}  // namespace nibble::quant
