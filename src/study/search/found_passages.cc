#include "study/search/found_passages.h"

#include <algorithm>

#include "base/error.h"
#include "rag/answer/search_task.h"

namespace nibble::study {

FoundPassages::FoundPassages(std::shared_ptr<const rag::QuestionSet> set, std::string protocol)
    : set_(std::move(set)), protocol_(std::move(protocol)) {}

void FoundPassages::read_from(const store::Store& store, std::string unit) {
  store_ = &store;
  unit_ = std::move(unit);
  found_.clear();
  estimate_.reset();
}

const std::vector<std::size_t>& FoundPassages::found(const std::string& question) {
  if (!found_.contains(question)) {
    for (const std::size_t index : store_->sample_indexes(unit_)) {
      if (const auto sample = store_->sample(unit_, index)) {
        found_[sample->prompt] = rag::parse_found(sample->answer).take();
      }
    }
  }
  const auto at = found_.find(question);
  if (at == found_.end()) {
    raise(ErrorCode::kNotFound,
          "{}: documents of the question '{}' have not been searched for",
          set_->name,
          question);
  }
  return at->second;
}

std::vector<rag::RankedPassage> FoundPassages::best(const std::string& question, std::size_t n) {
  if (store_ == nullptr) {
    if (estimate_ == nullptr) {
      estimate_ = rag::make_set_ranker(*set_);
    }
    return estimate_->best(question, n);
  }
  std::vector<rag::RankedPassage> out;
  const std::vector<std::size_t>& numbers = found(question);
  for (std::size_t i = 0; i < std::min(n, numbers.size()); ++i) {
    out.push_back({set_->passages.at(numbers[i]), numbers[i]});
  }
  return out;
}

}  // namespace nibble::study
