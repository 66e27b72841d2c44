#include "eval/prefix_tree.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace nibble::eval {
namespace {

std::size_t common_prefix(std::span<const text::TokenId> a, std::span<const text::TokenId> b) {
  const auto [end, ignored] = std::ranges::mismatch(a, b);
  return static_cast<std::size_t>(end - a.begin());
}

/// Adds the inputs in sorted order; `path_` holds the nodes of the last one from its root to its
/// end.
class TreeBuilder {
 public:
  TreeBuilder(std::span<const ScoredInput> inputs, bool share) : inputs_(inputs), share_(share) {}

  PrefixTree build() {
    std::vector<std::size_t> order(inputs_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) -> const std::vector<text::TokenId>& {
      return inputs_[i].tokens;
    });
    for (std::size_t i = 0; i < order.size(); ++i) {
      const bool shares = i != 0 && share_;
      add(order[i], shares ? common_prefix(tokens(order[i - 1]), tokens(order[i])) : 0);
    }
    link();
    return std::move(tree_);
  }

 private:
  [[nodiscard]] const std::vector<text::TokenId>& tokens(std::size_t input) const {
    return inputs_[input].tokens;
  }
  PrefixNode& node(std::size_t index) { return tree_.nodes[index]; }

  std::size_t new_node(std::size_t input, std::size_t begin, std::size_t end) {
    PrefixNode fresh;
    fresh.input = input;
    fresh.begin = begin;
    fresh.end = end;
    fresh.parent = path_.empty() ? -1 : static_cast<std::ptrdiff_t>(path_.back());
    tree_.nodes.push_back(std::move(fresh));
    return tree_.nodes.size() - 1;
  }

  void add(std::size_t input, std::size_t shared) {
    NIBBLE_CHECK(!tokens(input).empty(), "an input without tokens in the prefix tree");
    std::size_t lower = tree_.nodes.size();  // the node that `shared` cuts, if any
    while (!path_.empty() && node(path_.back()).end > shared) {
      lower = path_.back();
      path_.pop_back();
    }
    if (lower < tree_.nodes.size() && node(lower).begin < shared) {
      const std::size_t upper = new_node(node(lower).input, node(lower).begin, shared);
      node(lower).begin = shared;
      node(lower).parent = static_cast<std::ptrdiff_t>(upper);
      path_.push_back(upper);
    }
    if (tokens(input).size() > shared) {
      path_.push_back(new_node(input, shared, tokens(input).size()));
    }
    node(path_.back()).ending.push_back(input);
  }

  /// Fills what follows from parents and ends: children, first inputs, scored rows.
  void link() {
    for (PrefixNode& one : tree_.nodes) {
      one.first_input = inputs_.size();
    }
    for (std::size_t index = 0; index < tree_.nodes.size(); ++index) {
      for (const std::size_t input : node(index).ending) {
        assign_rows(index, input);
      }
      const std::ptrdiff_t parent = node(index).parent;
      (parent < 0 ? tree_.roots : node(static_cast<std::size_t>(parent)).children).push_back(index);
    }
    const auto by_first_input = [&](std::size_t index) { return node(index).first_input; };
    std::ranges::sort(tree_.roots, {}, by_first_input);
    for (PrefixNode& one : tree_.nodes) {
      std::ranges::sort(one.children, {}, by_first_input);
      std::ranges::stable_sort(one.scored, {}, &ScoredRow::row);
    }
  }

  void assign_rows(std::size_t end_node, std::size_t input) {
    const std::size_t first = inputs_[input].first_row;
    const std::size_t last = first + inputs_[input].targets.size();
    for (auto index = static_cast<std::ptrdiff_t>(end_node); index >= 0;) {
      PrefixNode& one = node(static_cast<std::size_t>(index));
      one.first_input = std::min(one.first_input, input);
      for (std::size_t row = std::max(first, one.begin); row < std::min(last, one.end); ++row) {
        one.scored.push_back({row, input, row - first});
      }
      index = one.parent;
    }
  }

  std::span<const ScoredInput> inputs_;
  bool share_;
  PrefixTree tree_;
  std::vector<std::size_t> path_;
};

}  // namespace

std::size_t PrefixTree::n_tokens() const noexcept {
  std::size_t total = 0;
  for (const PrefixNode& node : nodes) {
    total += node.n_tokens();
  }
  return total;
}

PrefixTree build_prefix_tree(std::span<const ScoredInput> inputs, bool share) {
  return TreeBuilder(inputs, share).build();
}

}  // namespace nibble::eval
