#include "eval/evidence.h"

#include <algorithm>
#include <numeric>

#include "eval/generation_response.h"
#include "eval/request_encoder.h"

namespace nibble::eval {
namespace {

using Mass = std::shared_ptr<model::AttentionMass>;

/// The rows of an answer of which the last token is never read.
std::vector<std::size_t> answer_rows(const EvidenceRequest& request) {
  std::vector<std::size_t> rows(request.forced.size() - 1);
  std::iota(rows.begin(), rows.end(), request.prompt.size());
  return rows;
}

/// Both sequences of a request: its own answer and the forced one.
class Gatherer final : public model::GenerateListener {
 public:
  Gatherer(const model::LanguageModel& model,
           const text::Tokenizer& tokenizer,
           std::span<const EvidenceRequest* const> requests,
           OnEvidence on_evidence)
      : model_(model), tokenizer_(tokenizer), requests_(requests), on_evidence_(on_evidence) {
    open_.resize(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      add_own(i);
      if (requests[i]->forced.size() >= 2) {
        add_forced(i);
      }
    }
  }

  [[nodiscard]] std::span<const model::GenerateRequest> sequences() const { return sequences_; }

  void on_done(std::size_t index, const model::Generation& generation) override {
    Open& open = open_[request_of_[index]];
    if (masses_[index] == open.own) {
      const EvidenceRequest& request = *requests_[request_of_[index]];
      open.response.generation =
          generation_response(generation, 0, begins_with_double_bos(tokenizer_, request.prompt));
      open.response.tokens = generation.tokens;
      open.response.own = std::move(open.own);
    } else {
      open.response.forced = masses_[index];
    }
    masses_[index].reset();
    if (--open.n_missing == 0) {
      on_evidence_(request_of_[index], std::move(open.response));
    }
  }

 private:
  struct Open {
    Mass own;
    EvidenceResponse response;
    std::size_t n_missing = 0;
  };

  void add(std::size_t request, model::GenerateRequest sequence, model::AttentionProbe probe) {
    probe.spans = requests_[request]->spans;
    masses_.push_back(std::make_shared<model::AttentionMass>(model_.config(), std::move(probe)));
    sequence.attention = masses_.back().get();
    sequences_.push_back(std::move(sequence));
    request_of_.push_back(request);
    ++open_[request].n_missing;
  }

  void add_own(std::size_t i) {
    const EvidenceRequest& request = *requests_[i];
    add(i,
        {.prompt = request.prompt, .max_tokens = request.max_tokens, .stop = request.stop},
        {.rows = request.rows, .spans = {}, .every_row_from = request.prompt.size()});
    open_[i].own = masses_.back();
  }

  void add_forced(std::size_t i) {
    const EvidenceRequest& request = *requests_[i];
    model::GenerateRequest sequence{.prompt = request.prompt, .max_tokens = 1, .stop = {}};
    sequence.prompt.insert(sequence.prompt.end(), request.forced.begin(), request.forced.end() - 1);
    add(i, std::move(sequence), {.rows = answer_rows(request), .spans = {}});
  }

  const model::LanguageModel& model_;
  const text::Tokenizer& tokenizer_;
  std::span<const EvidenceRequest* const> requests_;
  OnEvidence on_evidence_;
  std::vector<Open> open_;  ///< of each request
  std::vector<model::GenerateRequest> sequences_;
  std::vector<std::size_t> request_of_;  ///< of each sequence
  std::vector<Mass> masses_;             ///< likewise
};

}  // namespace

void gather_evidence(model::LanguageModel& model,
                     const text::Tokenizer& tokenizer,
                     std::span<const EvidenceRequest* const> requests,
                     const model::GenerateOptions& options,
                     OnEvidence on_evidence) {
  Gatherer gatherer(model, tokenizer, requests, on_evidence);
  model::generate(model, tokenizer, gatherer.sequences(), options, gatherer);
}

}  // namespace nibble::eval
