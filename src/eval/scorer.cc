#include "eval/scorer.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/cancel.h"
#include "base/checked_math.h"

namespace nibble::eval {
namespace {

using model::SequenceId;

constexpr std::size_t kSmallestPiece =
    64;  // a node is not cut for the sake of fewer tokens than this
constexpr std::size_t kSmallestBudget = std::size_t{256} << 20;

std::size_t n_pages(std::size_t n_tokens) {
  return ceil_div(n_tokens, model::kPageTokens);
}

/// A part of a node that one batch computes.
struct Piece {
  std::size_t node;
  std::size_t begin;
  std::size_t end;
  SequenceId sequence;
};

/// A node whose prefix is computed.
struct ReadyNode {
  std::size_t node;
  std::size_t next;                    // first position that is not computed
  std::optional<SequenceId> sequence;  // once its first piece is planned
};

/// A score of the batch, by number of its row in the hidden states.
struct BatchScore {
  std::size_t wanted;
  ScoredRow row;
};

class TreeWalk {
 public:
  TreeWalk(model::LanguageModel& model,
           std::span<const ScoredInput> inputs,
           const ScorerOptions& options,
           ScorerCounters& counters,
           FunctionRef<void(std::size_t, const InputScore&)> on_scored)
      : model_(model),
        inputs_(inputs),
        options_(options),
        counters_(counters),
        on_scored_(on_scored),
        tree_(build_prefix_tree(inputs, options.share_prefixes)),
        page_bytes_(model.make_cache(0).bytes_for(model::kPageTokens, model::kPageTokens)),
        budget_(options.kv_bytes != 0 ? options.kv_bytes : automatic_budget()),
        cache_(model.make_cache(budget_ + overshoot())),
        scores_(inputs.size()),
        sequence_of_(tree_.nodes.size()),
        n_unopened_(tree_.nodes.size()) {}

  void run() {
    push(tree_.roots);
    while (!ready_.empty()) {
      cancel_flag().check();
      compute(plan_batch());
    }
  }

 private:
  [[nodiscard]] std::size_t longest() const {
    std::size_t longest = 0;
    for (const ScoredInput& input : inputs_) {
      longest = std::max(longest, input.tokens.size());
    }
    return longest;
  }
  [[nodiscard]] std::size_t automatic_budget() const {
    return std::max(kSmallestBudget, 2 * n_pages(longest() + options_.batch_tokens) * page_bytes_);
  }
  /// A batch of one piece is taken even above the budget, so the walk always goes on; one path adds
  /// no more than this.
  [[nodiscard]] std::size_t overshoot() const { return 2 * n_pages(longest() + 1) * page_bytes_; }

  void push(const std::vector<std::size_t>& nodes) {
    for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
      ready_.push_back({*it, tree_.nodes[*it].begin, std::nullopt});
    }
  }

  /// Bytes of the pages that `n_tokens` more behind position `from` touch, the copy of a shared
  /// partial page included.
  [[nodiscard]] std::size_t bytes_to_extend(std::size_t from, std::size_t n_tokens) const {
    return (n_pages(from + n_tokens) - from / model::kPageTokens) * page_bytes_;
  }

  [[nodiscard]] bool is_full(std::size_t n_pieces) const {
    return options_.batch_sequences != 0 && n_pieces >= options_.batch_sequences;
  }

  std::vector<Piece> plan_batch() {
    std::vector<Piece> pieces;
    std::size_t room = options_.batch_tokens;
    std::size_t bytes = cache_.bytes_in_use();
    while (!ready_.empty() && room > 0 && !is_full(pieces.size())) {
      ReadyNode& top = ready_.back();
      const std::size_t left = tree_.nodes[top.node].end - top.next;
      const std::size_t n = std::min(room, left);
      bytes += bytes_to_extend(top.next, n);
      if (!pieces.empty() && (bytes > budget_ || (n < left && n < kSmallestPiece))) {
        break;
      }
      if (!top.sequence) {
        top.sequence = open_sequence(top.node);
      }
      pieces.push_back({top.node, top.next, top.next + n, *top.sequence});
      room -= n;
      top.next += n;
      if (n == left) {
        ready_.pop_back();
      }
    }
    return pieces;
  }

  SequenceId open_sequence(std::size_t node) {
    const std::ptrdiff_t parent = tree_.nodes[node].parent;
    if (parent < 0) {
      return cache_.create();
    }
    const auto index = static_cast<std::size_t>(parent);
    return --n_unopened_[index] == 0 ? sequence_of_[index] : cache_.fork(sequence_of_[index]);
  }

  void compute(const std::vector<Piece>& pieces) {
    std::vector<model::SequenceChunk> chunks;
    std::vector<std::uint32_t> wanted;
    std::vector<BatchScore> batch_scores;
    std::size_t first_row = 0;
    for (const Piece& piece : pieces) {
      const PrefixNode& node = tree_.nodes[piece.node];
      const std::size_t n = piece.end - piece.begin;
      chunks.push_back(
          {piece.sequence, std::span(inputs_[node.input].tokens).subspan(piece.begin, n)});
      for (auto it = std::ranges::lower_bound(node.scored, piece.begin, {}, &ScoredRow::row);
           it != node.scored.end() && it->row < piece.end;
           ++it) {
        const auto packed = static_cast<std::uint32_t>(first_row + it->row - piece.begin);
        if (wanted.empty() || wanted.back() != packed) {
          wanted.push_back(packed);
        }
        batch_scores.push_back({wanted.size() - 1, *it});
      }
      first_row += n;
    }
    hidden_.resize(wanted.size() * model_.config().hidden);
    const MatrixView<float> hidden(hidden_.data(), wanted.size(), model_.config().hidden);
    model_.forward(chunks, cache_, wanted, hidden);
    counters_.n_computed_tokens += first_row;
    counters_.n_head_rows += wanted.size();
    score(hidden, batch_scores);
    for (const Piece& piece : pieces) {
      if (piece.end == tree_.nodes[piece.node].end) {
        finish(piece.node, piece.sequence);
      }
    }
  }

  void score(MatrixView<const float> hidden, std::span<const BatchScore> batch_scores) {
    std::vector<ops::RowTarget> targets;
    for (const BatchScore& one : batch_scores) {
      targets.push_back({one.wanted, target(one.row)});
    }
    std::vector<ops::TokenScore> tokens(targets.size());
    model_.score(hidden, targets, tokens);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      InputScore& score = scores_[batch_scores[i].row.input];
      score.logprob += tokens[i].logprob;
      score.is_greedy = score.is_greedy && tokens[i].is_argmax;
    }
  }

  [[nodiscard]] std::int32_t target(const ScoredRow& row) const {
    return inputs_[row.input].targets[row.target];
  }

  void finish(std::size_t node, SequenceId sequence) {
    const PrefixNode& done = tree_.nodes[node];
    if (done.children.empty()) {
      cache_.drop(sequence);
    } else {
      sequence_of_[node] = sequence;
      n_unopened_[node] = done.children.size();
      push(done.children);
    }
    for (const std::size_t input : done.ending) {
      on_scored_(input, scores_[input]);
    }
  }

  model::LanguageModel& model_;
  std::span<const ScoredInput> inputs_;
  const ScorerOptions& options_;
  ScorerCounters& counters_;
  FunctionRef<void(std::size_t, const InputScore&)> on_scored_;
  PrefixTree tree_;
  std::size_t page_bytes_;
  std::size_t budget_;
  model::KvCache cache_;
  std::vector<InputScore> scores_;
  std::vector<SequenceId> sequence_of_;  // of finished nodes with unopened children
  std::vector<std::size_t> n_unopened_;
  std::vector<ReadyNode> ready_;  // a stack
  std::vector<float> hidden_;
};

}  // namespace

void score_inputs(model::LanguageModel& model,
                  std::span<const ScoredInput> inputs,
                  const ScorerOptions& options,
                  ScorerCounters& counters,
                  FunctionRef<void(std::size_t input, const InputScore& score)> on_scored) {
  if (!inputs.empty()) {
    TreeWalk(model, inputs, options, counters, on_scored).run();
  }
}

}  // namespace nibble::eval
