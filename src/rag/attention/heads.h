/// Sets of attention heads whose masses are averaged: all, those of late layers, and those that
/// look at the evidence.
///
///   all         every head of every layer
///   late        every head of the last third of the layers, rounded up
///   retrieval   the share of heads that give the gold document most of their mass, on average over
///               held-out examples of the reference model
///
/// The third is chosen once, on the reference, and kept for every variant: heads chosen anew for
/// each variant would find evidence wherever it is.
///
/// Errors     kInvalidArgument: no heads, a share outside (0, 1], examples of another model
/// Source     reference/evaluation.md 4.2 (C3); the idea of retrieval heads: Wu et al. 2024, arXiv
///            2404.15574
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/attention_mass.h"

namespace nibble::rag {

struct Head {
  std::uint32_t layer = 0;
  std::uint32_t head = 0;
  auto operator<=>(const Head&) const = default;
};

/// Ascending.
using HeadSet = std::vector<Head>;

HeadSet all_heads(std::size_t n_layers, std::size_t n_heads);
HeadSet layer_heads(std::size_t layer, std::size_t n_heads);
HeadSet late_heads(std::size_t n_layers, std::size_t n_heads);

/// Gold mass of every head over examples.
class HeadChoice {
 public:
  HeadChoice(std::size_t n_layers, std::size_t n_heads);

  /// Adds a row; `gold` are numbers of spans. Layers that see no token of any gold span do not
  /// count.
  void add(const model::AttentionMass& mass, std::size_t row, std::span<const std::size_t> gold);

  /// Mean gold mass [n_layers * n_heads]; NaN where no example counted.
  [[nodiscard]] std::vector<double> gold_masses() const;
  /// The best `share` of all heads, at least one; equal ones by layer and head. Heads without a
  /// mean are never chosen.
  [[nodiscard]] HeadSet best(double share = 0.05) const;

 private:
  std::size_t n_heads_;
  std::vector<double> sums_;         ///< [n_layers * n_heads]
  std::vector<std::size_t> counts_;  ///< [n_layers]
};

}  // namespace nibble::rag
