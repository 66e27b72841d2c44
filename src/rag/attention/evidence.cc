#include "rag/attention/evidence.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "rag/attention/preservation.h"

namespace nibble::rag {
namespace {

using model::TokenSpan;

void check_layout(const EvidenceLayout& layout) {
  const auto& documents = layout.documents;
  if (documents.empty() || !ops::are_spans_in_order(documents) ||
      documents.back().end > layout.n_prompt || layout.question.end > layout.n_prompt) {
    raise(
        ErrorCode::kInvalidArgument,
        "evidence: {} documents in a prompt of {} tokens, wanted at least one, in order and inside",
        documents.size(),
        layout.n_prompt);
  }
  const auto is_none = [&](std::size_t g) { return g >= documents.size(); };
  if (layout.gold.empty() || std::ranges::any_of(layout.gold, is_none)) {
    raise(ErrorCode::kInvalidArgument,
          "evidence: {} gold documents of {}, wanted at least one, and among them",
          layout.gold.size(),
          documents.size());
  }
}

/// Adds spans in order, and the template that lies between them.
class Spans {
 public:
  explicit Spans(EvidenceProbe& out) : out_(out) {}

  void add(const TokenSpan& span, std::vector<std::size_t>& numbers) {
    fill_to(span.begin);
    push(span, numbers);
  }
  /// What lies between the last span and `end` is template.
  void fill_to(std::size_t end) {
    if (end > end_) {
      push({end_, end}, out_.templates);
    }
  }

 private:
  void push(const TokenSpan& span, std::vector<std::size_t>& numbers) {
    numbers.push_back(out_.probe.spans.size());
    out_.probe.spans.push_back(span);
    end_ = span.end;
  }

  EvidenceProbe& out_;
  std::size_t end_ = 0;
};

std::optional<DriftSummary> drift_from(const model::AttentionMass& mass,
                                       const EvidenceLayout& layout,
                                       const EvidenceProbe& probe,
                                       const HeadSet& heads) {
  std::vector<Scores> steps;
  for (const std::size_t row : measured_rows(mass, layout.n_prompt - 1)) {
    auto masses = document_masses(mass, {{&row, 1}, heads}, probe.documents);
    if (!masses) {
      return std::nullopt;
    }
    steps.push_back(std::move(*masses));
  }
  if (steps.size() < 2) {
    return std::nullopt;
  }
  const auto drift = drift_of(steps, layout.gold);
  return drift ? std::optional(summarize(*drift)) : std::nullopt;
}

double mass_on(const model::AttentionMass& mass,
               const View& view,
               std::span<const std::size_t> spans) {
  return spans.empty() ? 0.0 : spans_mass(mass, view, spans);
}

}  // namespace

EvidenceProbe evidence_probe(const EvidenceLayout& layout, bool with_question) {
  check_layout(layout);
  EvidenceProbe out;
  Spans spans(out);
  const bool has_question = layout.question.end > layout.question.begin;
  std::vector<TokenSpan> parts = layout.documents;
  const auto place =
      std::ranges::upper_bound(parts, layout.question.begin, std::less{}, &TokenSpan::begin);
  const auto n_before = static_cast<std::size_t>(place - parts.begin());
  const std::size_t first =
      has_question ? std::min(parts.front().begin, layout.question.begin) : parts.front().begin;
  if (const std::size_t n_sinks = std::min(kSinkTokens, first); n_sinks > 0) {
    spans.add({0, n_sinks}, out.sinks);
  }
  for (std::size_t i = 0; i <= parts.size(); ++i) {
    if (i == n_before && has_question) {
      spans.add(layout.question, out.questions);
    }
    if (i < parts.size()) {
      spans.add(parts[i], out.documents);
    }
  }
  spans.fill_to(layout.n_prompt);
  spans.add({layout.n_prompt, kToTheEnd}, out.answers);
  if (with_question) {
    const std::size_t end = std::min(layout.question.end, layout.n_prompt - 1);
    for (std::size_t row = layout.question.begin; row < end; ++row) {
      out.probe.rows.push_back(row);
    }
  }
  out.probe.every_row_from = layout.n_prompt - 1;
  return out;
}

std::optional<EvidenceScores> evidence_scores(const model::AttentionMass& mass,
                                              const EvidenceLayout& layout,
                                              const EvidenceProbe& probe,
                                              const View& view) {
  const auto masses = document_masses(mass, view, probe.documents);
  if (!masses) {
    return std::nullopt;
  }
  std::vector<std::size_t> lengths;
  for (const TokenSpan& span : layout.documents) {
    lengths.push_back(span.end - span.begin);
  }
  auto shares = share(*masses);
  auto densities = density(*masses, lengths);
  if (!shares || !densities) {
    return std::nullopt;
  }
  EvidenceScores out;
  out.precision_at_1 = precision_at_1(*densities, layout.gold);
  out.gold_rank = gold_rank(*densities, layout.gold);
  out.gini = gini(*densities);
  out.entropy = normalized_entropy(*densities);
  out.gold_mass = gold_mass(*shares, layout.gold);
  out.gold_lift = gold_lift(*densities, layout.gold);
  out.share = std::move(*shares);
  out.density = std::move(*densities);
  return out;
}

EvidenceReading read_evidence(const model::AttentionMass& mass,
                              const EvidenceLayout& layout,
                              const EvidenceProbe& probe,
                              const HeadSet& heads) {
  check_layout(layout);
  const std::vector<std::size_t> last = measured_rows(mass, layout.n_prompt - 1, layout.n_prompt);
  if (last.empty()) {
    raise(ErrorCode::kInvalidArgument, "evidence: the prompt's last token was not measured");
  }
  EvidenceReading out;
  const View view{last, heads};
  out.last = evidence_scores(mass, layout, probe, view);
  const std::vector<std::size_t> asking =
      measured_rows(mass, layout.question.begin, layout.question.end);
  if (!asking.empty()) {
    out.question = evidence_scores(mass, layout, probe, {asking, heads});
  }
  out.drift = drift_from(mass, layout, probe, heads);
  out.reachable = reachable_share(mass, view, probe.documents);
  out.sink_mass = mass_on(mass, view, probe.sinks);
  out.template_mass = mass_on(mass, view, probe.templates);
  if (const auto masses = document_masses(mass, view, probe.documents)) {
    out.document_mass = std::accumulate(masses->begin(), masses->end(), 0.0);
  }
  return out;
}

}  // namespace nibble::rag
