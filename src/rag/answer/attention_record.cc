#include "rag/answer/attention_record.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "rag/attention/document_mass.h"
#include "rag/attention/drift.h"
#include "rag/attention/evidence.h"
#include "rag/attention/heads.h"
#include "rag/attention/preservation.h"

namespace nibble::rag {
namespace {

using eval::Contribution;
using Numbers = std::vector<std::size_t>;

std::optional<Contribution> optional_score(std::optional<double> value) {
  return value ? std::optional(Contribution{*value, 1}) : std::nullopt;
}

/// Reads the masses of one response.
class Reader {
 public:
  Reader(const Context& context, const eval::EvidenceResponse& response)
      : context_(context),
        response_(response),
        own_(*response.own),
        layout_(evidence_layout(context)),
        probe_(evidence_probe(layout_)),
        all_(all_heads(own_.n_layers(), own_.n_heads())) {
    const auto row = own_.find_row(layout_.n_prompt - 1);
    NIBBLE_CHECK(row.has_value(), "the prompt's last token was not measured");
    last_row_ = {*row};
    for (std::size_t i = 0; i < *row; ++i) {
      question_rows_.push_back(i);
    }
  }

  AttentionRecord record() const {
    AttentionRecord out;
    out.n_layers = own_.n_layers();
    out.n_heads = own_.n_heads();
    add_documents(out);
    out.answer = response_.tokens;
    for (std::size_t layer = 0; layer < out.n_layers; ++layer) {
      add_layer(layer, out);
    }
    out.steps = steps_of(own_, measured_rows(own_, layout_.n_prompt));
    if (response_.forced != nullptr) {
      out.own_steps = std::move(out.steps);
      out.steps = steps_of(*response_.forced, measured_rows(*response_.forced, 0));
    }
    return out;
  }

  eval::SampleScores scores(const AttentionRecord& record) const {
    eval::SampleScores out = no_attention_scores();
    add_preservation(out);
    add_drift(record, out);
    return out;
  }

 private:
  void add_documents(AttentionRecord& out) const {
    for (std::size_t i = 0; i < context_.documents.size(); ++i) {
      const TextRange& bytes = context_.prompt.documents[i];
      const model::TokenSpan& tokens = layout_.documents[i];
      out.documents.push_back({static_cast<std::uint32_t>(bytes.begin),
                               static_cast<std::uint32_t>(bytes.end),
                               static_cast<std::uint32_t>(tokens.end - tokens.begin),
                               context_.documents[i].is_gold});
    }
  }

  void add_layer(std::size_t layer, AttentionRecord& out) const {
    const HeadSet heads = layer_heads(layer, own_.n_heads());
    for (const Head& head : heads) {
      const HeadSet one = {head};
      append(document_masses(own_, {last_row_, one}, probe_.documents), out.last);
    }
    append(question_rows_.empty()
               ? std::nullopt
               : document_masses(own_, {question_rows_, heads}, probe_.documents),
           out.question);
    out.sinks.push_back(static_cast<float>(spans_mass(own_, {last_row_, heads}, probe_.sinks)));
  }

  /// NaN where there are none.
  void append(const std::optional<Scores>& masses, std::vector<float>& out) const {
    for (std::size_t i = 0; i < probe_.documents.size(); ++i) {
      out.push_back(masses ? static_cast<float>((*masses)[i])
                           : std::numeric_limits<float>::quiet_NaN());
    }
  }

  /// Step 0 is of the prompt, the others of `rows` of `mass`.
  std::vector<float> steps_of(const model::AttentionMass& mass, const Numbers& rows) const {
    std::vector<float> out;
    append(document_masses(own_, {last_row_, all_}, probe_.documents), out);
    for (const std::size_t row : rows) {
      const Numbers one = {row};
      append(document_masses(mass, {one, all_}, probe_.documents), out);
    }
    return out;
  }

  void add_preservation(eval::SampleScores& out) const {
    const EvidenceReading all = read_evidence(own_, layout_, probe_, all_);
    if (!all.last) {
      return;
    }
    out["attention_p1"] = optional_score(all.last->precision_at_1);
    out["attention_rank"] = optional_score(all.last->gold_rank);
    out["attention_gold"] = optional_score(all.last->gold_mass);
    out["attention_lift"] = optional_score(all.last->gold_lift);
    if (layout_.documents.size() > 1) {
      out["attention_gini"] = optional_score(gini_scaled(all.last->density));
    }
    out["attention_documents"] = optional_score(all.document_mass);
    out["attention_sinks"] = optional_score(all.sink_mass);
    if (all.question) {
      out["attention_p1_question"] = optional_score(all.question->precision_at_1);
    }
    const HeadSet late = late_heads(own_.n_layers(), own_.n_heads());
    if (const auto last = evidence_scores(own_, layout_, probe_, {last_row_, late})) {
      out["attention_p1_late"] = optional_score(last->precision_at_1);
    }
  }

  /// Drift over the steps [steps, documents]; nullopt for a short answer or one document.
  [[nodiscard]] std::optional<DriftSummary> drift(const std::vector<float>& steps) const {
    const std::size_t n = probe_.documents.size();
    std::vector<Scores> masses;
    for (std::size_t first = 0; first < steps.size(); first += n) {
      masses.emplace_back(steps.begin() + static_cast<std::ptrdiff_t>(first),
                          steps.begin() + static_cast<std::ptrdiff_t>(first + n));
    }
    const bool is_known = std::ranges::none_of(steps, [](float m) { return std::isnan(m); });
    if (!is_known || masses.size() < kLeastDriftTokens || n < 2) {
      return std::nullopt;
    }
    const auto found = drift_of(masses, layout_.gold);
    return found ? std::optional(summarize(*found)) : std::nullopt;
  }

  void add_drift(const AttentionRecord& record, eval::SampleScores& out) const {
    if (const auto found = drift(record.steps)) {
      out["drift_mean"] = optional_score(found->mean);
      out["drift_max"] = optional_score(found->most);
      out["drift_last"] = optional_score(found->last);
      out["drift_step"] = optional_score(found->mean_step);
      out["drift_from_relevant"] = optional_score(found->mean_from_relevant);
      out["drift_off_gold"] = optional_score(found->share_off_gold);
    }
    if (const auto found = drift(record.own_steps.empty() ? record.steps : record.own_steps)) {
      out["drift_mean_own"] = optional_score(found->mean);
    }
  }

  const Context& context_;
  const eval::EvidenceResponse& response_;
  const model::AttentionMass& own_;
  EvidenceLayout layout_;
  EvidenceProbe probe_;
  HeadSet all_;
  Numbers last_row_, question_rows_;
};

}  // namespace

std::vector<std::size_t> AttentionRecord::gold() const {
  Numbers out;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (documents[i].is_gold) {
      out.push_back(i);
    }
  }
  return out;
}

std::vector<double> AttentionRecord::step(std::size_t index) const {
  const auto first = steps.begin() + static_cast<std::ptrdiff_t>(index * documents.size());
  return {first, first + static_cast<std::ptrdiff_t>(documents.size())};
}

EvidenceLayout evidence_layout(const Context& context) {
  EvidenceLayout out;
  out.n_prompt = context.tokens.tokens.size();
  out.question = {context.tokens.question.begin, context.tokens.question.end};
  for (std::size_t i = 0; i < context.documents.size(); ++i) {
    const TokenRange& tokens = context.tokens.documents[i];
    out.documents.push_back({tokens.begin, tokens.end});
    if (context.documents[i].is_gold) {
      out.gold.push_back(i);
    }
  }
  return out;
}

eval::EvidenceRequest attention_request(const Context& context,
                                        std::size_t max_tokens,
                                        const std::vector<std::string>& stop) {
  EvidenceProbe probe = evidence_probe(evidence_layout(context));
  eval::EvidenceRequest out{.prompt = context.tokens.tokens,
                            .rows = std::move(probe.probe.rows),
                            .spans = std::move(probe.probe.spans),
                            .max_tokens = max_tokens};
  out.rows.push_back(out.prompt.size() - 1);
  out.stop = stop;
  return out;
}

AttentionResult read_attention(const Context& context, const eval::EvidenceResponse& response) {
  const Reader reader(context, response);
  AttentionResult out{reader.record(), {}};
  out.scores = reader.scores(out.record);
  return out;
}

eval::SampleScores no_attention_scores() {
  eval::SampleScores out;
  for (const eval::MetricRow& metric : attention_metrics()) {
    out[metric.name] = std::nullopt;
  }
  return out;
}

std::vector<eval::MetricRow> attention_metrics() {
  using eval::Direction;
  return {{"attention_p1", "fraction"},
          {"attention_rank", "rank", Direction::kLower},
          {"attention_gini", "index"},
          {"attention_gold", "fraction"},
          {"attention_lift", "times"},
          {"attention_documents", "fraction"},
          {"attention_sinks", "fraction", Direction::kLower},
          {"attention_p1_late", "fraction"},
          {"attention_p1_question", "fraction"},
          {"drift_mean", "bits", Direction::kLower},
          {"drift_max", "bits", Direction::kLower},
          {"drift_last", "bits", Direction::kLower},
          {"drift_step", "bits", Direction::kLower},
          {"drift_from_relevant", "share", Direction::kLower},
          {"drift_off_gold", "fraction", Direction::kLower},
          {"drift_mean_own", "bits", Direction::kLower}};
}

}  // namespace nibble::rag
