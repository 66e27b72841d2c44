/// A model of any shape with random weights, on the host in float32 and on a GPU.
#pragma once

#include <cmath>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "model/device/load.h"
#include "model/load.h"
#include "model/weights.h"
#include "unit/model/fake_checkpoint.h"
#include "unit/model/kv_tables.h"

namespace nibble::model::testing {

/// Two layers of four query and two key/value heads.
inline ModelConfig small_random_config(std::size_t head_dim) {
  ModelConfig config;
  config.architecture = "llama";
  config.vocab = 160;
  config.hidden = 128;
  config.intermediate = 192;
  config.n_layers = 2;
  config.n_heads = 4;
  config.n_kv_heads = 2;
  config.head_dim = head_dim;
  config.context = 1024;
  config.attention_scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  return config;
}

inline FakeCheckpoint random_checkpoint(const ModelConfig& config) {
  FakeCheckpoint out(io::Container::kHuggingFace, Json::object());
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (const WeightInfo& weight : list_weights(config)) {
    const bool is_matrix = weight.role == WeightRole::kLinear || weight.role == WeightRole::kHead ||
                           weight.role == WeightRole::kEmbedding;
    const bool is_norm = !is_matrix && weight.role != WeightRole::kBias;
    const float spread =
        weight.role == WeightRole::kEmbedding
            ? 1.0F
            : (is_matrix ? 1.0F / std::sqrt(static_cast<float>(weight.cols)) : 0.1F);
    const float middle = is_norm && config.architecture != "gemma3" ? 1.0F : 0.0F;
    std::vector<float> values(weight.rows * weight.cols);
    for (float& x : values) {
      x = middle + spread * normal(random);
    }
    out.add(weight.name, weight.rows, weight.cols, values);
  }
  return out;
}

/// One of the two, with a cache.
class RandomSide {
 public:
  /// `device` is "cpu" or a GPU's name; `kv` a scheme of keys and values, or nothing.
  RandomSide(const ModelConfig& config,
             Arithmetic arithmetic,
             const std::string& device,
             std::string_view kv = {})
      : checkpoint_(random_checkpoint(config)),
        model_(device == "cpu"
                   ? build_model(checkpoint_, config, arithmetic, pool_, silent_progress())
                   : build_device_model(checkpoint_,
                                        config,
                                        arithmetic,
                                        {.name = device},
                                        pool_,
                                        silent_progress())) {
    if (!kv.empty()) {
      KvSetup setup = kv_setup(*codec::kv_scheme_from_name(kv).take(), arithmetic);
      if (setup.scheme->needs_tables()) {
        setup.tables = std::make_shared<KvTableList>(flat_tables(config, setup.scheme->keys.bits));
      }
      model_->set_kv(std::move(setup));
    }
    cache_ = std::make_unique<KvCache>(model_->make_cache(std::size_t{1} << 28));
  }

  [[nodiscard]] LanguageModel& model() { return *model_; }
  [[nodiscard]] KvCache& cache() { return *cache_; }

  /// Logits of all rows of a chunk.
  std::vector<float> logits(const SequenceChunk& chunk) {
    const std::size_t n = chunk.tokens.size(), hidden = model_->config().hidden;
    std::vector<std::uint32_t> wanted(n);
    std::iota(wanted.begin(), wanted.end(), 0U);
    std::vector<float> states(n * hidden), out(n * model_->config().vocab);
    model_->forward(std::span(&chunk, 1), *cache_, wanted, {states.data(), n, hidden});
    model_->head({states.data(), n, hidden}, {out.data(), n, model_->config().vocab});
    return out;
  }

 private:
  ThreadPool pool_{2};
  FakeCheckpoint checkpoint_;
  std::unique_ptr<LanguageModel> model_;
  std::unique_ptr<KvCache> cache_;
};

inline std::vector<std::int32_t> random_tokens(std::size_t n, std::size_t vocab) {
  std::mt19937 random(29);
  std::vector<std::int32_t> out(n);
  for (std::int32_t& token : out) {
    token = static_cast<std::int32_t>(random() % vocab);
  }
  return out;
}

}  // namespace nibble::model::testing
