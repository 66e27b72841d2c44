#include "rag/attention/head_agreement.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/nan.h"
#include "rag/attention/document_mass.h"
#include "rag/attention/preservation.h"

namespace nibble::rag {
namespace {

void check_same(const ComparedRow& compared, std::size_t n_layers, std::size_t n_heads) {
  const auto& [variant, reference, row, documents, sinks] = compared;
  const auto fits = [&](const model::AttentionMass& mass) {
    return mass.n_layers() == n_layers && mass.n_heads() == n_heads;
  };
  if (!fits(variant) || !fits(reference) || !std::ranges::equal(variant.rows(), reference.rows()) ||
      !std::ranges::equal(variant.spans(), reference.spans()) || row >= variant.n_rows()) {
    raise(ErrorCode::kInvalidArgument,
          "head agreement: masses of {} and {} layers, {} and {} rows, {} and {} spans, wanted the "
          "same of {} layers of {} heads",
          variant.n_layers(),
          reference.n_layers(),
          variant.n_rows(),
          reference.n_rows(),
          variant.n_spans(),
          reference.n_spans(),
          n_layers,
          n_heads);
  }
}

double mean_of(double sum, std::size_t n) {
  return n > 0 ? sum / static_cast<double>(n) : kNaN;
}

}  // namespace

void HeadAgreement::add(const ComparedRow& compared) {
  const std::size_t n_layers = heads_.size() / n_heads_;
  check_same(compared, n_layers, n_heads_);
  for (std::size_t layer = 0; layer < n_layers; ++layer) {
    for (std::size_t head = 0; head < n_heads_; ++head) {
      add_head(compared, layer, head);
    }
  }
}

void HeadAgreement::add_head(const ComparedRow& compared, std::size_t layer, std::size_t head) {
  Sums& sums = heads_[layer * n_heads_ + head];
  const HeadSet one = {{static_cast<std::uint32_t>(layer), static_cast<std::uint32_t>(head)}};
  const View view{{&compared.row, 1}, one};
  if (!compared.sinks.empty()) {
    sums.sink += spans_mass(compared.variant, view, compared.sinks) -
                 spans_mass(compared.reference, view, compared.sinks);
    ++sums.n_sink;
  }
  const auto of_variant = document_masses(compared.variant, view, compared.documents);
  const auto of_reference = document_masses(compared.reference, view, compared.documents);
  if (!of_variant || !of_reference) {
    return;
  }
  add_shares(*of_variant, *of_reference, sums);
}

void HeadAgreement::add_shares(std::span<const double> variant,
                               std::span<const double> reference,
                               Sums& sums) {
  const auto p = share(variant);
  const auto q = share(reference);
  if (p && q) {
    sums.agreement += agreement_at_1(*p, *q);
    sums.divergence += js_divergence(*p, *q);
    ++sums.n;
  }
}

void HeadAgreement::add(std::span<const float> variant, std::span<const float> reference) {
  if (variant.size() != reference.size() || variant.size() % heads_.size() != 0) {
    raise(ErrorCode::kInvalidArgument,
          "head agreement: {} masses beside {}, wanted equally many of each of {} heads",
          variant.size(),
          reference.size(),
          heads_.size());
  }
  const std::size_t n_documents = variant.size() / heads_.size();
  const auto is_known = [](double mass) { return !std::isnan(mass); };
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    const auto p = variant.subspan(i * n_documents, n_documents);
    const auto q = reference.subspan(i * n_documents, n_documents);
    if (std::ranges::all_of(p, is_known) && std::ranges::all_of(q, is_known)) {
      add_shares(Scores(p.begin(), p.end()), Scores(q.begin(), q.end()), heads_[i]);
    }
  }
}

double HeadAgreement::of_all(double Sums::*sum) const {
  double total = 0.0;
  std::size_t n = 0;
  for (const Sums& head : heads_) {
    total += head.*sum;
    n += head.n;
  }
  return mean_of(total, n);
}

double HeadAgreement::agreement() const {
  return of_all(&Sums::agreement);
}
double HeadAgreement::divergence() const {
  return of_all(&Sums::divergence);
}

std::vector<double> HeadAgreement::of_heads(double Sums::*sum) const {
  std::vector<double> out;
  for (const Sums& head : heads_) {
    out.push_back(mean_of(head.*sum, head.n));
  }
  return out;
}

std::vector<double> HeadAgreement::of_layers(double Sums::*sum, std::size_t Sums::*count) const {
  std::vector<double> out;
  for (std::size_t at = 0; at < heads_.size(); at += n_heads_) {
    double total = 0.0;
    std::size_t n = 0;
    for (std::size_t head = 0; head < n_heads_; ++head) {
      total += heads_[at + head].*sum;
      n += heads_[at + head].*count;
    }
    out.push_back(mean_of(total, n));
  }
  return out;
}

std::vector<double> HeadAgreement::agreement_of_heads() const {
  return of_heads(&Sums::agreement);
}
std::vector<double> HeadAgreement::divergence_of_heads() const {
  return of_heads(&Sums::divergence);
}
std::vector<double> HeadAgreement::agreement_of_layers() const {
  return of_layers(&Sums::agreement, &Sums::n);
}
std::vector<double> HeadAgreement::divergence_of_layers() const {
  return of_layers(&Sums::divergence, &Sums::n);
}
std::vector<double> HeadAgreement::sink_change() const {
  return of_layers(&Sums::sink, &Sums::n_sink);
}

std::vector<double> densities_by_layer(const model::AttentionMass& mass,
                                       std::span<const std::size_t> rows,
                                       std::span<const std::size_t> documents) {
  std::vector<std::size_t> lengths;
  for (const std::size_t span : documents) {
    lengths.push_back(mass.spans()[span].end - mass.spans()[span].begin);
  }
  std::vector<double> out;
  for (std::size_t layer = 0; layer < mass.n_layers(); ++layer) {
    const HeadSet heads = layer_heads(layer, mass.n_heads());
    const auto masses = document_masses(mass, {rows, heads}, documents);
    const auto of_layer = masses ? density(*masses, lengths) : std::nullopt;
    const Scores none(documents.size(), kNaN);
    std::ranges::copy(of_layer ? *of_layer : none, std::back_inserter(out));
  }
  return out;
}

}  // namespace nibble::rag
