/// A model on one device with its tokenizer and a cache, for tests that compare a GPU with the host.
#pragma once

#include <cmath>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/load.h"
#include "unit/model/kv_tables.h"

namespace nibble::model::testing {

inline constexpr std::size_t kCacheBytes = std::size_t{1} << 30;

inline const char* const kText =
    "The city of Troy, whose walls had stood for ten years, fell in a night. Those who came home "
    "told of a horse of wood, of ships on a dark sea, and of the one man whose journey took as "
    "long as the war itself; and their children asked, as children do, what had become of him.";

/// A model, its tokenizer, and a cache.
class Side {
 public:
  /// `kv` is a scheme of keys and values, or nothing; tables that it needs are flat ones.
  Side(const std::filesystem::path& path,
       Arithmetic arithmetic,
       const std::string& device,
       std::string_view kv = {})
      : loaded_(load_model(path,
                           {.arithmetic = arithmetic, .with_hash = false, .device = device},
                           pool_,
                           silent_progress())
                    .take()) {
    if (!kv.empty()) {
      KvSetup setup = kv_setup(*codec::kv_scheme_from_name(kv).take(), arithmetic);
      if (setup.scheme->needs_tables()) {
        setup.tables = std::make_shared<KvTableList>(
            flat_tables(loaded_.model->config(), setup.scheme->keys.bits));
      }
      loaded_.model->set_kv(std::move(setup));
    }
    cache_.emplace(loaded_.model->make_cache(kCacheBytes));
  }

  LanguageModel& model() { return *loaded_.model; }
  KvCache& cache() { return *cache_; }
  std::vector<std::int32_t> tokens(std::size_t n) {
    std::vector<std::int32_t> all;
    while (all.size() < n) {
      const auto more = loaded_.tokenizer->encode(kText, text::AddSpecial::kNo).take();
      all.insert(all.end(), more.begin(), more.end());
    }
    all.resize(n);
    return all;
  }

  /// Final hidden states of all rows of the chunks.
  std::vector<float> hidden(std::span<const SequenceChunk> chunks) {
    std::size_t n = 0;
    for (const SequenceChunk& chunk : chunks) {
      n += chunk.tokens.size();
    }
    std::vector<std::uint32_t> wanted(n);
    std::iota(wanted.begin(), wanted.end(), 0U);
    std::vector<float> out(n * model().config().hidden);
    model().forward(chunks, *cache_, wanted, {out.data(), n, model().config().hidden});
    return out;
  }
  std::vector<float> logits(std::vector<float> states) {
    const std::size_t n = states.size() / model().config().hidden;
    std::vector<float> out(n * model().config().vocab);
    model().head({states.data(), n, model().config().hidden},
                 {out.data(), n, model().config().vocab});
    return out;
  }
  /// Mean negative log-probability of each token after the first.
  double loss(std::span<const std::int32_t> tokens_of_text) {
    const std::vector<SequenceChunk> chunks = {{cache_->create(), tokens_of_text}};
    const std::vector<float> states = hidden(chunks);
    const std::size_t n = tokens_of_text.size();
    std::vector<ops::RowTarget> targets;
    for (std::size_t i = 0; i + 1 < n; ++i) {
      targets.push_back({i, tokens_of_text[i + 1]});
    }
    std::vector<ops::TokenScore> scores(targets.size());
    model().score({states.data(), n, model().config().hidden}, targets, scores);
    double sum = 0.0;
    for (const ops::TokenScore& score : scores) {
      sum -= score.logprob;
    }
    return sum / static_cast<double>(scores.size());
  }

 private:
  ThreadPool pool_{2};
  LoadedModel loaded_;
  std::optional<KvCache> cache_;
};

inline double relative_error(std::span<const float> got, std::span<const float> wanted) {
  double error = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    error += std::pow(static_cast<double>(got[i]) - static_cast<double>(wanted[i]), 2);
    norm += std::pow(static_cast<double>(wanted[i]), 2);
  }
  return std::sqrt(error / norm);
}

}  // namespace nibble::model::testing
