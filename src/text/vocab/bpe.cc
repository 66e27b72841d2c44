#include "text/vocab/bpe.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "base/utf8.h"

namespace nibble::text {
namespace {

/// Up to here scanning for the lowest rank is faster than keeping a heap.
constexpr std::size_t kShort = 48;
/// Longer pieces are hardly ever one token, and looking them up would cost a pass over them.
constexpr std::size_t kLongestWhole = 256;

/// A symbol in a doubly linked list.
struct Node {
  TokenId id;
  std::uint32_t previous, next;  ///< kEnd at the ends
  Merge merge;                   ///< with the next symbol
};
constexpr std::uint32_t kEnd = ~std::uint32_t{0};

/// A candidate in the heap: rank above position, so that the lowest rank and then the leftmost
/// comes first.
std::uint64_t candidate(std::uint32_t rank, std::uint32_t position) {
  return static_cast<std::uint64_t>(rank) << 32 | position;
}

}  // namespace

Bpe::Bpe(BpeParts parts)
    : parts_(std::move(parts)), whole_(std::make_unique<std::atomic<Whole>[]>(parts_.n_ids)) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char text = static_cast<char>(byte);
    single_bytes_[byte] = parts_.pieces.find({&text, 1}).value_or(-1);
  }
}

void Bpe::encode(std::string_view word, std::vector<TokenId>& ids) const {
  std::optional<TokenId> token;
  if (word.size() <= kLongestWhole) {
    token = parts_.pieces.find(word);
  }
  const bool is_token = token && static_cast<std::size_t>(*token) < parts_.n_ids;
  Whole known = Whole::kNotSeen;
  if (is_token) {
    known = whole_[static_cast<std::size_t>(*token)].load(std::memory_order_relaxed);
    if (parts_.ignore_merges || known == Whole::kYes) {
      ids.push_back(*token);
      return;
    }
  }
  thread_local std::vector<TokenId> symbols;
  symbols.clear();
  split_symbols(word, symbols);
  merge(symbols);
  if (is_token && known == Whole::kNotSeen) {
    const bool whole = symbols.size() == 1 && symbols[0] == *token;
    whole_[static_cast<std::size_t>(*token)].store(whole ? Whole::kYes : Whole::kNo,
                                                   std::memory_order_relaxed);
  }
  if (parts_.inner_characters.size() > 0) {
    replace_inner_characters(symbols);
  }
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

void Bpe::split_symbols(std::string_view word, std::vector<TokenId>& symbols) const {
  if (parts_.byte_symbols) {
    for (const char byte : word) {
      if (const TokenId id = single_bytes_[static_cast<unsigned char>(byte)]; id >= 0) {
        symbols.push_back(id);
      } else if (parts_.unknown) {
        add_fallback({&byte, 1}, symbols);
      }
    }
    return;
  }
  for (std::size_t i = 0; i < word.size();) {
    const auto byte = static_cast<unsigned char>(word[i]);
    const std::size_t n = byte < 0x80 ? 1 : utf8::decode(word, i).n_bytes;
    const std::string_view character = word.substr(i, n);
    const TokenId id = n == 1 ? single_bytes_[byte] : parts_.pieces.find(character).value_or(-1);
    if (id >= 0) {
      symbols.push_back(id);
    } else {
      add_fallback(character, symbols);
    }
    i += n;
  }
}

void Bpe::add_fallback(std::string_view character, std::vector<TokenId>& symbols) const {
  const auto byte_token = [&](char byte) {
    return parts_.byte_tokens[static_cast<unsigned char>(byte)];
  };
  if (std::ranges::all_of(character, [&](char byte) { return byte_token(byte) >= 0; })) {
    for (const char byte : character) {
      symbols.push_back(byte_token(byte));
    }
  } else if (parts_.unknown) {
    const bool fuse = parts_.fuse_unknown && !symbols.empty() && symbols.back() == *parts_.unknown;
    if (!fuse) {
      symbols.push_back(*parts_.unknown);
    }
  }
}

void Bpe::replace_inner_characters(std::vector<TokenId>& symbols) const {
  std::vector<TokenId> out;
  for (const TokenId id : symbols) {
    if (static_cast<std::size_t>(id) < parts_.n_ids) {
      out.push_back(id);
    } else {
      add_fallback(parts_.inner_characters.at(id - static_cast<TokenId>(parts_.n_ids)), out);
    }
  }
  symbols.swap(out);
}

void Bpe::merge(std::vector<TokenId>& symbols) const {
  if (symbols.size() <= kShort) {
    merge_short(symbols);
  } else {
    merge_long(symbols);
  }
}

void Bpe::merge_short(std::vector<TokenId>& symbols) const {
  std::size_t n = symbols.size();
  if (n < 2) {
    return;
  }
  std::array<Merge, kShort> pairs;
  for (std::size_t i = 0; i + 1 < n; ++i) {
    pairs[i] = parts_.merges.find(symbols[i], symbols[i + 1]);
  }
  for (;;) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i) {
      best = pairs[i].rank < pairs[best].rank ? i : best;
    }
    if (n < 2 || pairs[best].rank == kNoRank) {
      break;
    }
    symbols[best] = pairs[best].result;
    for (std::size_t i = best + 1; i + 1 < n; ++i) {
      symbols[i] = symbols[i + 1];
      pairs[i] = pairs[i + 1];
    }
    --n;
    if (best > 0) {
      pairs[best - 1] = parts_.merges.find(symbols[best - 1], symbols[best]);
    }
    if (best + 1 < n) {
      pairs[best] = parts_.merges.find(symbols[best], symbols[best + 1]);
    }
  }
  symbols.resize(n);
}

void Bpe::merge_long(std::vector<TokenId>& symbols) const {
  const auto n = static_cast<std::uint32_t>(symbols.size());
  std::vector<Node> nodes(n);
  std::vector<std::uint64_t> first;
  first.reserve(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    const bool last = i + 1 == n;
    nodes[i] = {symbols[i], i == 0 ? kEnd : i - 1, last ? kEnd : i + 1, {}};
    nodes[i].merge = last ? Merge{} : parts_.merges.find(symbols[i], symbols[i + 1]);
    if (nodes[i].merge.rank != kNoRank) {
      first.push_back(candidate(nodes[i].merge.rank, i));
    }
  }
  std::priority_queue heap(std::greater<>{}, std::move(first));
  const auto renew = [&](std::uint32_t i) {
    Node& node = nodes[i];
    node.merge = node.next == kEnd ? Merge{} : parts_.merges.find(node.id, nodes[node.next].id);
    if (node.merge.rank != kNoRank) {
      heap.push(candidate(node.merge.rank, i));
    }
  };
  while (!heap.empty()) {
    const std::uint64_t top = heap.top();
    heap.pop();
    const auto i = static_cast<std::uint32_t>(top);
    Node& node = nodes[i];
    if (node.merge.rank != static_cast<std::uint32_t>(top >> 32)) {
      continue;  // the pair changed after this candidate was made
    }
    Node& right = nodes[node.next];
    node.id = node.merge.result;
    node.next = right.next;
    right.merge = {};
    if (node.next != kEnd) {
      nodes[node.next].previous = i;
    }
    renew(i);
    if (node.previous != kEnd) {
      renew(node.previous);
    }
  }
  symbols.clear();
  for (std::uint32_t i = 0; i != kEnd; i = nodes[i].next) {
    symbols.push_back(nodes[i].id);
  }
}

}  // namespace nibble::text
