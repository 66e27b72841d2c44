#include "eval/engine.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "eval/evidence.h"
#include "eval/generation_response.h"
#include "eval/request_encoder.h"
#include "eval/scorer.h"
#include "model/generate.h"

namespace nibble::eval {
namespace {

using OnResponse = std::function<void(std::size_t, const Response&)>;

class Listener final : public model::GenerateListener {
 public:
  using OnDone = std::function<void(std::size_t, const model::Generation&)>;
  explicit Listener(OnDone on_done) : on_done_(std::move(on_done)) {}
  void on_done(std::size_t index, const model::Generation& generation) override {
    on_done_(index, generation);
  }

 private:
  OnDone on_done_;
};

/// A request that asks for log-probabilities, while its inputs are being scored.
struct OpenRequest {
  std::size_t n_open = 0;  // inputs that are not scored yet
  std::size_t first_input = 0;
  std::size_t n_inputs = 0;
};

bool asks_for_logprobs(const Request& request) {
  return !std::holds_alternative<GenerationRequest>(request) &&
         !std::holds_alternative<DivergenceRequest>(request) &&
         !std::holds_alternative<EvidenceRequest>(request);
}

std::vector<ScoredInput> scored_inputs(RequestEncoder& encoder, const Request& request) {
  if (const auto* rolling = std::get_if<RollingRequest>(&request)) {
    return encoder.encode(*rolling);
  }
  if (const auto* window = std::get_if<WindowRequest>(&request)) {
    return {encoder.encode(*window)};
  }
  ScoredInput input = encoder.encode(std::get<LoglikelihoodRequest>(request));
  if (input.targets.empty()) {
    return {};
  }
  return {std::move(input)};
}

/// An empty text has probability 1. A continuation without tokens of its own was not asked about
/// at all, and no number is a better answer than a perfect one.
LoglikelihoodResponse answer_without_tokens(const Request& request) {
  const bool is_certain = std::holds_alternative<RollingRequest>(request);
  return {.logprob = is_certain ? 0.0 : std::numeric_limits<double>::quiet_NaN(),
          .is_greedy = is_certain};
}

}  // namespace

EngineOptions default_engine_options(const model::LoadedModel& model) {
  EngineOptions options;
  options.add_bos = model.tokenizer->special().add_bos;
  return options;
}

struct Engine::Impl {
  model::LoadedModel& model;
  EngineOptions options;
  EngineCounters counters;
  Reference* reference = nullptr;

  /// One call of `answer`.
  struct Run {
    std::span<const Request> requests;
    const OnResponse& on_response;
    std::vector<Response> responses;
    std::vector<ScoredInput> inputs;
    std::vector<std::size_t> request_of;  // of each input
    std::vector<InputScore> scores;       // of each input
    std::vector<OpenRequest> open;        // of each request

    void respond(std::size_t request, Response response) {
      responses[request] = std::move(response);
      if (on_response) {
        on_response(request, responses[request]);
      }
    }
  };

  [[nodiscard]] RequestEncoder make_encoder() const {
    return {*model.tokenizer, options.max_context, options.add_bos};
  }

  void encode_scored(Run& run) {
    RequestEncoder encoder = make_encoder();
    for (std::size_t i = 0; i < run.requests.size(); ++i) {
      if (!asks_for_logprobs(run.requests[i])) {
        continue;
      }
      OpenRequest& open = run.open[i];
      open.first_input = run.inputs.size();
      try {
        for (ScoredInput& input : scored_inputs(encoder, run.requests[i])) {
          counters.n_request_tokens += input.tokens.size();
          run.inputs.push_back(std::move(input));
          run.request_of.push_back(i);
        }
      } catch (const Error& error) {
        throw Error(error.failure().within(fmt::format("request {}", i + 1)));
      }
      open.n_inputs = open.n_open = run.inputs.size() - open.first_input;
      if (open.n_inputs == 0) {
        run.respond(i, answer_without_tokens(run.requests[i]));
      }
    }
  }

  /// Sums in the order of the inputs, so that the result does not depend on which was scored first.
  static LoglikelihoodResponse total(const Run& run, const OpenRequest& open) {
    LoglikelihoodResponse response{.is_greedy = true};
    for (std::size_t i = open.first_input; i < open.first_input + open.n_inputs; ++i) {
      response.logprob += run.scores[i].logprob;
      response.is_greedy = response.is_greedy && run.scores[i].is_greedy;
      response.n_tokens += run.inputs[i].targets.size();
      response.n_cut_tokens += run.inputs[i].n_cut_tokens;
      response.has_double_bos = response.has_double_bos || run.inputs[i].has_double_bos;
    }
    return response;
  }

  void answer_scored(Run& run) {
    encode_scored(run);
    run.scores.resize(run.inputs.size());
    ScorerCounters scorer;
    score_inputs(*model.model,
                 run.inputs,
                 {.batch_tokens = options.batch_tokens,
                  .batch_sequences = options.batch_sequences,
                  .kv_bytes = options.kv_bytes,
                  .share_prefixes = options.share_prefixes},
                 scorer,
                 [&](std::size_t input, const InputScore& score) {
                   run.scores[input] = score;
                   const std::size_t request = run.request_of[input];
                   if (--run.open[request].n_open == 0) {
                     run.respond(request, total(run, run.open[request]));
                   }
                 });
    counters.n_computed_tokens += scorer.n_computed_tokens;
    counters.n_head_rows += scorer.n_head_rows;
  }

  void answer_divergence(Run& run) {
    for (std::size_t i = 0; i < run.requests.size(); ++i) {
      const auto* request = std::get_if<DivergenceRequest>(&run.requests[i]);
      if (request == nullptr) {
        continue;
      }
      check_divergence(*request);
      const Divergence found = compare_window(
          *model.model, *reference, request->tokens, request->first_row, options.batch_tokens);
      counters.n_request_tokens += request->tokens.size();
      counters.n_computed_tokens += request->tokens.size();
      counters.n_head_rows += found.n_rows;
      run.respond(i, DivergenceResponse{found.kl, found.n_rows, found.n_same_top});
    }
  }

  void check_divergence(const DivergenceRequest& request) const {
    if (reference == nullptr) {
      raise(ErrorCode::kInvalidArgument,
            "a divergence needs the model to compare with: give --reference MODEL");
    }
    if (request.first_row >= request.tokens.size() || request.tokens.size() > options.max_context) {
      raise(ErrorCode::kInvalidArgument,
            "a window of {} tokens compared from {} on does not fit a context of {}",
            request.tokens.size(),
            request.first_row,
            options.max_context);
    }
  }

  /// The prompt is cut from the left so that the longest answer fits behind it.
  [[nodiscard]] model::GenerateRequest generate_request(const RequestEncoder& encoder,
                                                        const GenerationRequest& request,
                                                        std::size_t& n_cut_tokens) const {
    model::GenerateRequest out;
    out.prompt = encoder.encode(request);
    out.max_tokens = request.max_tokens;
    out.stop = request.stop;
    out.sampling = request.sampling;
    const std::size_t room =
        options.max_context - std::min(options.max_context - 1, request.max_tokens);
    n_cut_tokens = out.prompt.size() - std::min(out.prompt.size(), room);
    out.prompt.erase(out.prompt.begin(),
                     out.prompt.begin() + static_cast<std::ptrdiff_t>(n_cut_tokens));
    return out;
  }

  void answer_generation(Run& run) {
    const RequestEncoder encoder = make_encoder();
    std::vector<model::GenerateRequest> batch;
    std::vector<std::size_t> request_of;
    std::vector<std::size_t> n_cut;
    std::vector<std::uint8_t> double_bos;
    for (std::size_t i = 0; i < run.requests.size(); ++i) {
      if (const auto* request = std::get_if<GenerationRequest>(&run.requests[i])) {
        double_bos.push_back(
            begins_with_double_bos(*model.tokenizer, encoder.encode(*request)) ? 1 : 0);
        batch.push_back(generate_request(encoder, *request, n_cut.emplace_back()));
        request_of.push_back(i);
        counters.n_request_tokens += batch.back().prompt.size();
      }
    }
    if (batch.empty()) {
      return;
    }
    Listener listener([&](std::size_t index, const model::Generation& generation) {
      counters.n_computed_tokens += batch[index].prompt.size() + generation.tokens.size();
      run.respond(request_of[index],
                  generation_response(generation, n_cut[index], double_bos[index] != 0));
    });
    model::generate(*model.model, *model.tokenizer, batch, generate_options(), listener);
  }

  [[nodiscard]] model::GenerateOptions generate_options() const {
    model::GenerateOptions generate{.batch_tokens = options.batch_tokens,
                                    .cache_bytes = options.kv_bytes,
                                    .share_prefixes = options.share_prefixes};
    if (options.batch_sequences != 0) {
      generate.max_running = options.batch_sequences;
    }
    return generate;
  }

  void answer_evidence(Run& run) {
    std::vector<const EvidenceRequest*> batch;
    std::vector<std::size_t> request_of;
    for (std::size_t i = 0; i < run.requests.size(); ++i) {
      if (const auto* request = std::get_if<EvidenceRequest>(&run.requests[i])) {
        batch.push_back(request);
        request_of.push_back(i);
        counters.n_request_tokens += request->prompt.size();
      }
    }
    if (batch.empty()) {
      return;
    }
    gather_evidence(*model.model,
                    *model.tokenizer,
                    batch,
                    generate_options(),
                    [&](std::size_t index, EvidenceResponse&& response) {
                      counters.n_computed_tokens += batch[index]->prompt.size() +
                                                    batch[index]->forced.size() +
                                                    response.tokens.size();
                      run.respond(request_of[index], std::move(response));
                    });
  }
};

Engine::Engine(model::LoadedModel& model, EngineOptions options)
    : impl_(new Impl{model, options, {}, nullptr}) {
  const std::size_t context = model.model->config().context;
  EngineOptions& kept = impl_->options;
  kept.max_context = kept.max_context == 0 ? context : std::min(kept.max_context, context);
}

Engine::~Engine() = default;

std::vector<Response> Engine::answer(std::span<const Request> requests,
                                     const OnResponse& on_response) {
  Impl::Run run{requests, on_response, std::vector<Response>(requests.size()), {}, {}, {}, {}};
  run.open.resize(requests.size());
  impl_->counters.n_requests += requests.size();
  impl_->answer_scored(run);
  impl_->answer_generation(run);
  impl_->answer_evidence(run);
  impl_->answer_divergence(run);
  return std::move(run.responses);
}

void Engine::set_reference(Reference* reference) noexcept {
  impl_->reference = reference;
}
const EngineCounters& Engine::counters() const noexcept {
  return impl_->counters;
}
model::LoadedModel& Engine::model() noexcept {
  return impl_->model;
}
const EngineOptions& Engine::options() const noexcept {
  return impl_->options;
}

}  // namespace nibble::eval
