#include "eval/prefix_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/error.h"

namespace nibble::eval {
namespace {

using ::testing::ElementsAre;
using Tokens = std::vector<text::TokenId>;

ScoredInput input(Tokens tokens, std::size_t n_targets) {
  ScoredInput one;
  one.first_row = tokens.size() - n_targets;
  one.tokens = std::move(tokens);
  one.targets.assign(n_targets, 0);
  return one;
}

/// The tokens of a node's input from the root to the node's end must be what its descendants share.
void expect_consistent(const PrefixTree& tree, const std::vector<ScoredInput>& inputs) {
  std::vector<std::size_t> n_scored(inputs.size());
  std::vector<int> n_ends(inputs.size());
  for (const PrefixNode& node : tree.nodes) {
    ASSERT_LT(node.begin, node.end);
    if (node.parent >= 0) {
      const PrefixNode& parent = tree.nodes[static_cast<std::size_t>(node.parent)];
      ASSERT_EQ(parent.end, node.begin);
      ASSERT_TRUE(
          std::equal(inputs[node.input].tokens.begin(),
                     inputs[node.input].tokens.begin() + static_cast<std::ptrdiff_t>(node.begin),
                     inputs[parent.input].tokens.begin()));
    } else {
      ASSERT_EQ(node.begin, 0U);
    }
    for (const std::size_t one : node.ending) {
      ASSERT_EQ(inputs[one].tokens.size(), node.end);
      ++n_ends[one];
    }
    std::size_t last_row = node.begin;
    for (const ScoredRow& row : node.scored) {
      ASSERT_GE(row.row, last_row);
      ASSERT_LT(row.row, node.end);
      ASSERT_EQ(row.row, inputs[row.input].first_row + row.target);
      last_row = row.row;
      ++n_scored[row.input];
    }
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(n_ends[i], 1);
    EXPECT_EQ(n_scored[i], inputs[i].targets.size());
  }
}

TEST(PrefixTree, SharesTheContextOfFourChoices) {
  const std::vector<ScoredInput> inputs = {input({1, 2, 3, 7, 8}, 3),
                                           input({1, 2, 3, 7, 9}, 3),
                                           input({1, 2, 3}, 1),
                                           input({1, 2, 3, 5}, 2)};
  const PrefixTree tree = build_prefix_tree(inputs);
  expect_consistent(tree, inputs);
  EXPECT_EQ(tree.n_tokens(), 3U + 1 + 1 + 1 + 1);
  ASSERT_EQ(tree.roots.size(), 1U);
  const PrefixNode& root = tree.nodes[tree.roots[0]];
  EXPECT_EQ(root.end, 3U);
  EXPECT_THAT(root.ending, ElementsAre(2U));
  EXPECT_EQ(root.scored.size(), 4U);  // each input's first target stands behind the context
  ASSERT_EQ(root.children.size(), 2U);
  EXPECT_EQ(tree.nodes[root.children[0]].first_input, 0U);
  EXPECT_EQ(tree.nodes[root.children[1]].first_input, 3U);
}

TEST(PrefixTree, WithoutSharingEveryInputIsARoot) {
  const std::vector<ScoredInput> inputs = {
      input({1, 2, 3, 7}, 2), input({1, 2, 3, 7}, 2), input({1, 2}, 1)};
  const PrefixTree tree = build_prefix_tree(inputs, false);
  expect_consistent(tree, inputs);
  EXPECT_EQ(tree.n_tokens(), 10U);
  EXPECT_EQ(tree.roots.size(), 3U);
}

TEST(PrefixTree, EqualInputsAreOneNode) {
  const std::vector<ScoredInput> inputs = {input({4, 5}, 1), input({4, 5}, 2)};
  const PrefixTree tree = build_prefix_tree(inputs);
  expect_consistent(tree, inputs);
  EXPECT_EQ(tree.nodes.size(), 1U);
  EXPECT_THAT(tree.nodes[0].ending, ElementsAre(0U, 1U));
}

TEST(PrefixTree, RootsFollowTheRequests) {
  const std::vector<ScoredInput> inputs = {input({9}, 1), input({1}, 1), input({5}, 1)};
  const PrefixTree tree = build_prefix_tree(inputs);
  std::vector<std::size_t> order;
  for (const std::size_t root : tree.roots) {
    order.push_back(tree.nodes[root].input);
  }
  EXPECT_THAT(order, ElementsAre(0U, 1U, 2U));
}

TEST(PrefixTree, ComputesEachDistinctPrefixOnce) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<ScoredInput> inputs;
    std::set<Tokens> prefixes;
    for (int i = 0; i < 12; ++i) {
      Tokens tokens(1 + random() % 8);
      for (text::TokenId& token : tokens) {
        token = static_cast<text::TokenId>(random() % 2);
      }
      for (std::size_t n = 1; n <= tokens.size(); ++n) {
        prefixes.emplace(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(n));
      }
      const std::size_t n_targets = 1 + random() % tokens.size();
      inputs.push_back(input(std::move(tokens), n_targets));
    }
    const PrefixTree tree = build_prefix_tree(inputs);
    expect_consistent(tree, inputs);
    ASSERT_EQ(tree.n_tokens(), prefixes.size());
  }
}

TEST(PrefixTree, RefusesAnEmptyInput) {
  EXPECT_THROW(build_prefix_tree(std::vector<ScoredInput>(1)), Error);
  EXPECT_TRUE(build_prefix_tree({}).roots.empty());
}

}  // namespace
}  // namespace nibble::eval
