#include "rag/lexical/bm25.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace nibble::rag {

void Bm25::add(std::string_view text) {
  const auto document = static_cast<std::uint32_t>(lengths_.size());
  const std::vector<std::string> terms = analyzer_.terms(text);
  for (const std::string& term : terms) {
    std::vector<Posting>& list = postings_[term];
    if (list.empty() || list.back().document != document) {
      list.push_back({document, 0});
    }
    ++list.back().count;
  }
  lengths_.push_back(static_cast<std::uint32_t>(terms.size()));
  total_length_ += terms.size();
}

std::size_t Bm25::n_bytes() const noexcept {
  std::size_t out = lengths_.size() * sizeof(std::uint32_t);
  for (const auto& [term, list] : postings_) {
    out += term.size() + list.size() * sizeof(Posting);
  }
  return out;
}

bool Bm25::score(std::string_view query, std::span<double> out) const {
  NIBBLE_CHECK(out.size() == size(), "Bm25::score: one score for each document is wanted");
  std::ranges::fill(out, 0.0);
  const auto n = static_cast<double>(size());
  // Without any term in any document there are no postings either.
  const double average = std::max(1.0, static_cast<double>(total_length_)) / std::max(1.0, n);
  bool found = false;
  for (const std::string& term : analyzer_.terms(query)) {
    const auto list = postings_.find(term);
    if (list == postings_.end()) {
      continue;
    }
    found = true;
    const auto df = static_cast<double>(list->second.size());
    const double idf = std::log(1.0 + (n - df + 0.5) / (df + 0.5));
    for (const Posting& posting : list->second) {
      const double length = static_cast<double>(lengths_[posting.document]) / average;
      const auto tf = static_cast<double>(posting.count);
      out[posting.document] +=
          idf * tf / (tf + options_.k1 * (1.0 - options_.b + options_.b * length));
    }
  }
  return found;
}

}  // namespace nibble::rag
