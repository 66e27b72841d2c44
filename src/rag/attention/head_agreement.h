/// Head by head, how a variant looks at the documents beside the reference on the same prompts.
///
/// For each head and row: agreement@1 and Jensen-Shannon divergence of the shares of the documents,
/// and the change of the mass on sinks, which quantization may move without touching content. Means
/// are over rows of all examples; a layer that does not see all documents of a row does not count
/// for it, nor does a head that gives them nothing.
///
/// Shapes     means of heads [n_layers * n_heads], of layers [n_layers]; masses of a row alone
///            [n_layers, n_heads, documents], NaN for layers that do not see all documents
/// Precision  NaN where nothing counted
/// Errors     kInvalidArgument: masses of different models, rows or spans
/// Source     reference/evaluation.md 4.2 and 4.3
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/attention_mass.h"

namespace nibble::rag {

/// The same row of both, and which of the probe's spans are what.
struct ComparedRow {
  const model::AttentionMass& variant;
  const model::AttentionMass& reference;
  std::size_t row;
  std::span<const std::size_t> documents, sinks;
};

class HeadAgreement {
 public:
  HeadAgreement(std::size_t n_layers, std::size_t n_heads)
      : n_heads_(n_heads), heads_(n_layers * n_heads) {}

  void add(const ComparedRow& compared);
  /// Masses on the documents as they were kept of one row of each.
  void add(std::span<const float> variant, std::span<const float> reference);

  /// Of all heads together.
  [[nodiscard]] double agreement() const;
  [[nodiscard]] double divergence() const;
  [[nodiscard]] std::vector<double> agreement_of_heads() const;
  [[nodiscard]] std::vector<double> divergence_of_heads() const;
  [[nodiscard]] std::vector<double> agreement_of_layers() const;
  [[nodiscard]] std::vector<double> divergence_of_layers() const;
  /// Variant less reference, of layers.
  [[nodiscard]] std::vector<double> sink_change() const;

 private:
  struct Sums {
    double agreement = 0.0, divergence = 0.0;
    std::size_t n = 0;  ///< of these two
    double sink = 0.0;
    std::size_t n_sink = 0;
  };
  void add_head(const ComparedRow& compared, std::size_t layer, std::size_t head);
  static void add_shares(std::span<const double> variant,
                         std::span<const double> reference,
                         Sums& sums);
  [[nodiscard]] double of_all(double Sums::*sum) const;
  [[nodiscard]] std::vector<double> of_heads(double Sums::*sum) const;
  [[nodiscard]] std::vector<double> of_layers(double Sums::*sum, std::size_t Sums::*count) const;

  std::size_t n_heads_;
  std::vector<Sums> heads_;
};

/// Density of each document by layer, the mean over its heads: [n_layers, documents]; NaN for
/// layers that do not see all documents. For heat maps over the position of a document.
std::vector<double> densities_by_layer(const model::AttentionMass& mass,
                                       std::span<const std::size_t> rows,
                                       std::span<const std::size_t> documents);

}  // namespace nibble::rag
