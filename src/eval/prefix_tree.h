/// All inputs of a set of requests as one tree: a node is a run of tokens that its inputs share, so
/// a walk from the root computes every common prefix once.
///
/// Inputs with equal tokens end at the same node; an input that is the beginning of another ends at
/// an inner one. Without sharing every input is a root of its own.
///
/// Layout     a node covers the positions [begin, end) of its `input`; it begins where its parent
///            ends
/// Requires   inputs are not empty
/// Source     our own (a radix tree built from sorted inputs)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "eval/request_encoder.h"

namespace nibble::eval {

/// One scored prediction: target `target` of input `input`, read off the row at position `row`.
struct ScoredRow {
  std::size_t row;
  std::size_t input;
  std::size_t target;
};

struct PrefixNode {
  std::size_t input = 0;  ///< one of the inputs that pass through
  std::size_t begin = 0;
  std::size_t end = 0;
  std::ptrdiff_t parent = -1;
  std::size_t first_input = 0;        ///< smallest number of an input at or below this node
  std::vector<std::size_t> children;  ///< by first_input
  std::vector<std::size_t> ending;    ///< inputs that end here
  std::vector<ScoredRow> scored;      ///< rows in [begin, end), ascending

  [[nodiscard]] std::size_t n_tokens() const noexcept { return end - begin; }
};

struct PrefixTree {
  std::vector<PrefixNode> nodes;
  std::vector<std::size_t> roots;  ///< by first_input

  /// Tokens that a walk computes.
  [[nodiscard]] std::size_t n_tokens() const noexcept;
};

PrefixTree build_prefix_tree(std::span<const ScoredInput> inputs, bool share = true);

}  // namespace nibble::eval
