#include "rag/answer/ranker.h"

#include <fmt/format.h>

#include "rag/lexical/bm25.h"
#include "rag/search/ranking.h"

namespace nibble::rag {
namespace {

class SetRanker final : public PassageRanker {
 public:
  explicit SetRanker(const QuestionSet& set) : set_(set) {
    for (const SetPassage& passage : set.passages) {
      bm25_.add(passage.title + " " + passage.text);
    }
  }

  std::vector<RankedPassage> best(const std::string& question, std::size_t n) override {
    std::vector<double> scores(bm25_.size());
    bm25_.score(question, scores);
    std::vector<RankedPassage> out;
    for (const Hit& hit : best_of(std::span<const double>(scores), n, 0.0)) {
      out.push_back({set_.passages[hit.item], hit.item, {}, hit.score});
    }
    return out;
  }

  [[nodiscard]] std::string protocol() const override {
    return fmt::format("BM25 over the {} passages of the set", set_.passages.size());
  }

 private:
  const QuestionSet& set_;
  Bm25 bm25_;
};

class IndexRanker final : public PassageRanker {
 public:
  IndexRanker(Retriever& retriever, std::string name)
      : retriever_(retriever), name_(std::move(name)) {}

  std::vector<RankedPassage> best(const std::string& question, std::size_t n) override {
    std::vector<RankedPassage> out;
    const auto hits = retriever_.search({&question, 1}, n);
    for (const Hit& hit : hits.front()) {
      Passage passage = retriever_.passage(hit.item);
      out.push_back({{std::move(passage.title), std::move(passage.text)},
                     {},
                     std::move(passage.document),
                     hit.score});
    }
    return out;
  }

  [[nodiscard]] std::string protocol() const override {
    return fmt::format("{} over {} passages", name_, retriever_.n_passages());
  }

 private:
  Retriever& retriever_;
  std::string name_;
};

}  // namespace

std::unique_ptr<PassageRanker> make_set_ranker(const QuestionSet& set) {
  return std::make_unique<SetRanker>(set);
}

std::unique_ptr<PassageRanker> make_index_ranker(Retriever& retriever, std::string name) {
  return std::make_unique<IndexRanker>(retriever, std::move(name));
}

}  // namespace nibble::rag
