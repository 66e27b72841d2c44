#include "rag/answer/search_task.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/error.h"
#include "base/hash.h"
#include "eval/metrics/ranking.h"

namespace nibble::rag {
namespace {

std::vector<std::size_t> gold_passages(const OpenQuestion& question) {
  std::vector<std::size_t> out;
  for (const Offer& offer : question.offers) {
    if (offer.is_gold) {
      out.push_back(offer.passage);
    }
  }
  return out;
}

std::string recall_name(std::size_t n_documents) {
  return fmt::format("recall@{}", n_documents);
}

eval::TaskInfo describe_search(const QuestionSet& set,
                               std::span<const std::size_t> questions,
                               std::size_t n_documents) {
  eval::TaskInfo info{.name = fmt::format("{} search for {}", set.name, n_documents)};
  info.protocol = fmt::format(
      "search for {} of the {} passages of the set, each whole; right are those that the set says",
      std::max(n_documents, kRankedPassages),
      set.passages.size());
  info.metrics = {{fmt::format("ndcg@{}", kRankedPassages), "fraction"},
                  {recall_name(n_documents), "fraction"},
                  {fmt::format("mrr@{}", kRankedPassages), "fraction"}};
  Sha256 asked;
  asked.field(set.data_hash);
  for (const std::size_t number : questions) {
    asked.field(set.questions[number].id);
  }
  info.data_hash = asked.hex();
  info.data_id = set.data_id;
  info.n_documents = set.questions.size();
  info.context = eval::ContextInfo{set.name, std::string(kSearchMode), n_documents};
  return info;
}

}  // namespace

std::string found_text(std::span<const std::size_t> passages) {
  return fmt::format("{}", fmt::join(passages, " "));
}

Result<std::vector<std::size_t>> parse_found(std::string_view text) {
  std::vector<std::size_t> out;
  const char* at = text.data();
  const char* end = text.data() + text.size();
  while (at != end) {
    std::size_t number = 0;
    const auto [stop, error] = std::from_chars(at, end, number);
    if (error != std::errc() || (stop != end && (*stop != ' ' || stop + 1 == end))) {
      return fail(ErrorCode::kCorruptData,
                  "'{}' is no list of passages, wanted numbers with blanks between them",
                  text);
    }
    out.push_back(number);
    at = stop == end ? end : stop + 1;
  }
  return out;
}

SearchTask::SearchTask(std::shared_ptr<const QuestionSet> set,
                       std::span<const std::size_t> questions,
                       std::size_t n_documents)
    : set_(std::move(set)),
      questions_(questions.begin(), questions.end()),
      n_documents_(n_documents),
      info_(describe_search(*set_, questions_, n_documents)) {
  if (set_->passages.empty()) {
    raise(ErrorCode::kInvalidArgument,
          "{}: the set has questions alone, no passages that could be searched",
          set_->name);
  }
}

eval::Sample SearchTask::sample(std::size_t index) const {
  const OpenQuestion& asked = set_->questions[questions_.at(index)];
  eval::Sample out;
  out.index = index;
  out.id = asked.id;
  out.prompt = asked.question;
  out.target = found_text(gold_passages(asked));
  out.requests.emplace_back(eval::GenerationRequest{asked.question, 0, {}});
  return out;
}

eval::SampleResult SearchTask::score(const eval::Sample& sample,
                                     std::span<const eval::Response> responses) const {
  NIBBLE_CHECK(responses.size() == 1, "one response for each question");
  const eval::GenerationResponse* response = eval::generation_of(responses.front());
  NIBBLE_CHECK(response != nullptr, "a response that names no passages");
  eval::SampleResult out;
  out.answer = response->text;
  eval::Judgements judged;
  for (const std::size_t gold : gold_passages(set_->questions[questions_.at(sample.index)])) {
    judged.emplace(fmt::format("{}", gold), 1);
  }
  if (judged.empty()) {
    return out;  // nothing to find: no score, which is not a score of 0
  }
  std::vector<std::string> ranking;
  for (const std::size_t passage : parse_found(response->text).take()) {
    ranking.push_back(fmt::format("{}", passage));
  }
  const auto top = eval::score_ranking(ranking, judged, kRankedPassages);
  const auto in_prompt = eval::score_ranking(ranking, judged, n_documents_);
  out.scores[info_.metrics[0].name] = eval::Contribution{top.ndcg};
  out.scores[recall_name(n_documents_)] = eval::Contribution{in_prompt.recall};
  out.scores[info_.metrics[2].name] = eval::Contribution{top.reciprocal_rank};
  return out;
}

std::size_t passages_wanted(const eval::TaskInfo& info) {
  NIBBLE_CHECK(info.context && info.context->n_documents, "a task that is no search");
  return std::max(*info.context->n_documents, kRankedPassages);
}

}  // namespace nibble::rag
