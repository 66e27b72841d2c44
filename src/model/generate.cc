#include "model/generate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/elementwise.h"

namespace nibble::model {
namespace {

/// A shorter common beginning is computed anew: forking would not pay.
constexpr std::size_t kLeastShared = 16;

using Tokens = std::vector<text::TokenId>;

std::size_t n_common(std::span<const text::TokenId> a, std::span<const text::TokenId> b) {
  const auto [at, _] = std::ranges::mismatch(a, b);
  return static_cast<std::size_t>(at - a.begin());
}

/// One request that is running.
struct Running {
  std::size_t index = 0;
  SequenceId sequence = 0;
  Tokens tokens;  ///< prompt, then what was generated
  std::size_t n_prompt = 0;
  std::size_t n_computed = 0;  ///< of `tokens`, whose keys and values are in the cache
  std::size_t n_reserved = 0;  ///< bytes of keys and values that it may come to
  TokenSampler sampler;

  [[nodiscard]] bool has_next() const { return n_computed == tokens.size(); }
  [[nodiscard]] std::span<const text::TokenId> generated() const {
    return std::span(tokens).subspan(n_prompt);
  }
};

class Batch {
 public:
  Batch(LanguageModel& model,
        const text::Tokenizer& tokenizer,
        std::span<const GenerateRequest> requests,
        const GenerateOptions& options,
        GenerateListener& listener)
      : model_(model),
        tokenizer_(tokenizer),
        requests_(requests),
        options_(options),
        listener_(listener),
        cache_bytes_(options.cache_bytes > 0 ? options.cache_bytes : model.cache_budget()),
        cache_(model.make_cache(cache_bytes_)),
        results_(requests.size()) {}

  std::vector<Generation> run() {
    cut_prompts();
    while (!waiting_.empty() || !running_.empty()) {
      admit();
      step();
    }
    return std::move(results_);
  }

 private:
  /// Prompts as they will run, the alphabetically last first in `waiting_`, which is taken from its
  /// end: neighbours share the longest beginnings.
  void cut_prompts() {
    const std::size_t context = model_.config().context;
    prompts_.resize(requests_.size());
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      const std::span<const text::TokenId> prompt = requests_[i].prompt;
      if (prompt.empty()) {
        raise(ErrorCode::kInvalidArgument, "generate: request {} has an empty prompt", i);
      }
      const std::size_t room = context - std::min(context, requests_[i].max_tokens);
      const std::size_t n_kept = std::min(prompt.size(), std::max<std::size_t>(room, 1));
      results_[i].n_cut_tokens = prompt.size() - n_kept;
      if (n_kept < prompt.size() && requests_[i].attention != nullptr) {
        raise(ErrorCode::kInvalidArgument,
              "generate: request {} has {} tokens and wants {} more; a context of {} holds {}, and "
              "a prompt whose attention is measured is not cut",
              i,
              prompt.size(),
              requests_[i].max_tokens,
              context,
              n_kept);
      }
      prompts_[i] = prompt.last(n_kept);
    }
    waiting_.resize(requests_.size());
    std::iota(waiting_.begin(), waiting_.end(), std::size_t{0});
    std::ranges::stable_sort(waiting_, [this](std::size_t a, std::size_t b) {
      return std::ranges::lexicographical_compare(prompts_[b], prompts_[a]);
    });
  }

  /// Bytes of cache that a request may take: whole pages, and one for the copy of a shared page.
  [[nodiscard]] std::size_t reservation(std::size_t index) const {
    const std::size_t n_tokens = prompts_[index].size() + requests_[index].max_tokens;
    return cache_.bytes_for((n_tokens / kPageTokens + 2) * kPageTokens, options_.batch_tokens);
  }

  [[nodiscard]] bool fits(std::size_t index) const {
    return n_reserved_ + reservation(index) <= cache_bytes_;
  }

  /// A running request and how much of a prompt it can lend.
  struct Shared {
    const Running* parent = nullptr;
    std::size_t n_tokens = 0;
  };

  /// How much of its prompt a request may borrow: all but the last token, and nothing that is
  /// probed, since only tokens that are computed are measured.
  [[nodiscard]] std::size_t most_shared(std::size_t index) const {
    const std::size_t n = prompts_[index].size() - 1;
    const AttentionMass* const attention = requests_[index].attention;
    return attention == nullptr ? n : std::min(n, attention->next_asked(0));
  }

  [[nodiscard]] Shared longest_shared(std::size_t index) const {
    const std::size_t most = most_shared(index);
    Shared best{nullptr, kLeastShared - 1};
    for (const Running& other : running_) {
      const std::size_t n = std::min(n_common(other.tokens, prompts_[index]), most);
      if (n > best.n_tokens && cache_.can_fork(other.sequence, std::min(n, other.n_computed))) {
        best = {&other, n};
      }
    }
    return best;
  }

  /// Starts waiting requests. One that shares the beginning of a prompt still being computed waits
  /// for it.
  void admit() {
    while (!waiting_.empty() && running_.size() < std::max<std::size_t>(options_.max_running, 1)) {
      const std::size_t index = waiting_.back();
      if (!running_.empty() && !fits(index)) {
        return;
      }
      const Shared shared = options_.share_prefixes ? longest_shared(index) : Shared{};
      if (shared.parent != nullptr && shared.parent->n_computed < shared.n_tokens) {
        return;
      }
      waiting_.pop_back();
      start(index, shared);
    }
  }

  void start(std::size_t index, const Shared& shared) {
    const auto [parent, n_shared] = shared;
    Running run;
    run.index = index;
    run.sampler = TokenSampler(requests_[index].sampling);
    run.tokens.assign(prompts_[index].begin(), prompts_[index].end());
    run.n_prompt = run.tokens.size();
    run.n_reserved = reservation(index);
    run.sequence = parent != nullptr ? cache_.fork(parent->sequence, n_shared) : cache_.create();
    run.n_computed = parent != nullptr ? n_shared : 0;
    n_reserved_ += run.n_reserved;
    running_.push_back(std::move(run));
    if (requests_[index].max_tokens == 0) {
      finish(running_.back(), StopReason::kLimit);
    }
  }

  /// One forward pass: the next token of everyone who is that far, and prompts as far as they fit.
  void step() {
    std::vector<SequenceChunk> chunks;
    std::vector<std::uint32_t> wanted;
    std::vector<Running*> asking;
    const std::size_t budget = std::max<std::size_t>(options_.batch_tokens, 1);
    std::size_t n_rows = 0;
    for (Running& run : running_) {
      const std::size_t n = std::min(run.tokens.size() - run.n_computed, budget - n_rows);
      if (n == 0) {
        continue;
      }
      chunks.push_back({run.sequence,
                        std::span(run.tokens).subspan(run.n_computed, n),
                        requests_[run.index].attention});
      n_rows += n;
      run.n_computed += n;
      if (run.has_next()) {
        wanted.push_back(static_cast<std::uint32_t>(n_rows - 1));
        asking.push_back(&run);
      }
    }
    forward(chunks, wanted);
    for (std::size_t i = 0; i < asking.size(); ++i) {
      const std::span<const float> row = logits(i);
      const std::int32_t top = ops::argmax(row);
      if (std::isfinite(row[static_cast<std::size_t>(top)])) {
        take_token(*asking[i], asking[i]->sampler.choose(row, top));
      } else {
        finish(*asking[i], StopReason::kNotFinite);
      }
    }
    std::erase_if(running_, [](const Running& run) { return run.tokens.empty(); });
  }

  void forward(std::span<const SequenceChunk> chunks, std::span<const std::uint32_t> wanted) {
    if (chunks.empty()) {
      return;
    }
    const ModelConfig& config = model_.config();
    hidden_.resize(wanted.size() * config.hidden);
    const MatrixView<float> hidden(hidden_.data(), wanted.size(), config.hidden);
    model_.forward(chunks, cache_, wanted, hidden);
    logits_.resize(wanted.size() * config.vocab);
    if (!wanted.empty()) {
      model_.head(hidden, {logits_.data(), wanted.size(), config.vocab});
    }
  }

  [[nodiscard]] std::span<const float> logits(std::size_t row) const {
    return std::span(logits_).subspan(row * model_.config().vocab, model_.config().vocab);
  }

  void take_token(Running& run, text::TokenId token) {
    const GenerateRequest& request = requests_[run.index];
    const auto& ends = tokenizer_.special().end_of_generation;
    if (request.stop_at_eos && std::ranges::find(ends, token) != ends.end()) {
      finish(run, StopReason::kEndToken);
      return;
    }
    run.tokens.push_back(token);
    listener_.on_token(run.index, token);
    if (has_stop_string(run)) {
      finish(run, StopReason::kStopString);
    } else if (run.generated().size() >= request.max_tokens) {
      finish(run, StopReason::kLimit);
    } else if (run.tokens.size() >= model_.config().context) {
      finish(run, StopReason::kContext);
    }
  }

  /// A token that the tokenizer does not know (padding of the embedding) has no text.
  [[nodiscard]] std::string text_of(const Running& run) const {
    Tokens known;
    std::ranges::copy_if(run.generated(), std::back_inserter(known), [this](text::TokenId id) {
      return static_cast<std::size_t>(id) < tokenizer_.vocab_size();
    });
    return tokenizer_.decode(known, text::SkipSpecial::kYes).take();
  }

  [[nodiscard]] bool has_stop_string(const Running& run) const {
    const auto& stops = requests_[run.index].stop;
    if (stops.empty()) {
      return false;
    }
    const std::string text = text_of(run);
    return std::ranges::any_of(stops, [&text](const std::string& stop) {
      return !stop.empty() && text.find(stop) != std::string::npos;
    });
  }

  /// Leaves `run` without tokens, to be removed at the end of the step.
  void finish(Running& run, StopReason reason) {
    Generation& result = results_[run.index];
    result.text = cut_at_stops(text_of(run), requests_[run.index].stop);
    result.tokens.assign(run.generated().begin(), run.generated().end());
    result.reason = reason;
    cache_.drop(run.sequence);
    n_reserved_ -= run.n_reserved;
    run.tokens.clear();
    run.n_computed = 0;
    listener_.on_done(run.index, result);
  }

  LanguageModel& model_;
  const text::Tokenizer& tokenizer_;
  std::span<const GenerateRequest> requests_;
  const GenerateOptions& options_;
  GenerateListener& listener_;
  std::size_t cache_bytes_;
  KvCache cache_;
  std::vector<Generation> results_;
  std::vector<std::span<const text::TokenId>> prompts_;
  std::vector<std::size_t> waiting_;
  std::vector<Running> running_;
  std::size_t n_reserved_ = 0;
  std::vector<float> hidden_, logits_;
};

class DoneListener final : public GenerateListener {
 public:
  explicit DoneListener(FunctionRef<void(std::size_t, const Generation&)> on_done)
      : on_done_(on_done) {}
  void on_done(std::size_t index, const Generation& generation) override {
    on_done_(index, generation);
  }

 private:
  FunctionRef<void(std::size_t, const Generation&)> on_done_;
};

}  // namespace

std::string cut_at_stops(std::string text, std::span<const std::string> stops) {
  for (const std::string& stop : stops) {
    if (!stop.empty()) {
      text.resize(std::min(text.find(stop), text.size()));
    }
  }
  return text;
}

std::vector<Generation> generate(LanguageModel& model,
                                 const text::Tokenizer& tokenizer,
                                 std::span<const GenerateRequest> requests,
                                 const GenerateOptions& options,
                                 GenerateListener& listener) {
  return Batch(model, tokenizer, requests, options, listener).run();
}

std::vector<Generation> generate(LanguageModel& model,
                                 const text::Tokenizer& tokenizer,
                                 std::span<const GenerateRequest> requests,
                                 FunctionRef<void(std::size_t index, const Generation&)> on_done) {
  DoneListener listener(on_done);
  return generate(model, tokenizer, requests, GenerateOptions{}, listener);
}

}  // namespace nibble::model
