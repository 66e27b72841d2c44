#include "rag/answer/answer_scores.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/utf8.h"
#include "eval/metrics/reading.h"
#include "eval/metrics/rouge_l.h"
#include "text/unicode/case.h"

namespace nibble::rag {
namespace {

using eval::Contribution;

/// Normalised as answers are: no punctuation, no articles.
constexpr std::array<std::string_view, 15> kAbstentions = {"dont know",
                                                           "do not know",
                                                           "not know",
                                                           "cannot answer",
                                                           "can not answer",
                                                           "cant answer",
                                                           "cannotanswer",
                                                           "unanswerable",
                                                           "not enough information",
                                                           "insufficient information",
                                                           "cannot be determined",
                                                           "not mentioned in",
                                                           "not provided in",
                                                           "not stated in",
                                                           "documents do not say"};
constexpr std::array<std::string_view, 4> kWholeAbstentions = {
    "unknown", "none", "no answer", "not specified"};

/// A "[…]" that holds numbers alone.
struct Citation {
  std::size_t begin = 0, end = 0;
  std::vector<std::size_t> numbers;
};

/// The numbers of "1, 3"; nothing where there is anything else.
std::vector<std::size_t> numbers_in(std::string_view inner) {
  std::vector<std::size_t> out;
  while (true) {
    inner = utf8::strip(inner);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(inner.data(), inner.data() + inner.size(), number);
    if (error != std::errc()) {
      return {};
    }
    out.push_back(number);
    inner = utf8::strip(inner.substr(static_cast<std::size_t>(end - inner.data())));
    if (inner.empty()) {
      return out;
    }
    if (inner.front() != ',' && inner.front() != ';') {
      return {};
    }
    inner.remove_prefix(1);
  }
}

std::vector<Citation> citations_of(std::string_view answer) {
  std::vector<Citation> out;
  for (std::size_t open = answer.find('['); open != std::string_view::npos;
       open = answer.find('[', open + 1)) {
    const std::size_t close = answer.find(']', open);
    if (close == std::string_view::npos) {
      break;
    }
    Citation one{open, close + 1, numbers_in(answer.substr(open + 1, close - open - 1))};
    if (!one.numbers.empty()) {
      out.push_back(std::move(one));
    }
  }
  return out;
}

bool stands_in(std::string_view text, std::string_view part) {
  return !part.empty() && text::lower_case(text).find(text::lower_case(part)) != std::string::npos;
}

bool meets(std::string_view line, const std::vector<std::string>& group) {
  return std::ranges::any_of(
      group, [&line](const std::string& answer) { return stands_in(line, answer); });
}

std::optional<Contribution> citation_precision(std::string_view response,
                                               const std::vector<bool>& gold) {
  const std::vector<std::size_t> cited = cited_numbers(response);
  if (cited.empty()) {
    return std::nullopt;
  }
  const auto n_right = std::ranges::count_if(cited, [&gold](std::size_t number) {
    return number >= 1 && number <= gold.size() && gold[number - 1];
  });
  return Contribution{static_cast<double>(n_right) / static_cast<double>(cited.size()), 1};
}

Contribution as_score(bool value) {
  return {value ? 1.0 : 0.0, 1};
}

void score_against_answers(std::string_view line,
                           const OpenQuestion& question,
                           eval::SampleScores& out) {
  const eval::ReadingScores reading = eval::score_reading(line, question.answers);
  out["f1"] = Contribution{reading.f1, 1};
  out["exact_match"] = Contribution{reading.exact_match, 1};
  out["subspan_em"] = Contribution{subspan_em(line, question), 1};
  out["rouge_l"] = Contribution{eval::rouge_l(line, question.answers), 1};
}

}  // namespace

std::vector<std::size_t> cited_numbers(std::string_view answer) {
  std::vector<std::size_t> out;
  for (const Citation& citation : citations_of(answer)) {
    for (const std::size_t number : citation.numbers) {
      if (std::ranges::find(out, number) == out.end()) {
        out.push_back(number);
      }
    }
  }
  return out;
}

std::string without_citations(std::string_view answer) {
  std::string out;
  std::size_t at = 0;
  for (const Citation& citation : citations_of(answer)) {
    out += answer.substr(at, citation.begin - at);
    at = citation.end;
  }
  out += answer.substr(at);
  return std::string(utf8::strip(out));
}

bool abstains(std::string_view answer) {
  const std::string text = eval::normalize_answer(answer);
  const bool is_whole = std::ranges::find(kWholeAbstentions, text) != kWholeAbstentions.end();
  return is_whole || std::ranges::any_of(kAbstentions, [&text](std::string_view phrase) {
           return text.find(phrase) != std::string::npos;
         });
}

std::string first_line(std::string_view response) {
  const std::string_view text = utf8::strip(response);
  return without_citations(text.substr(0, text.find('\n')));
}

double subspan_em(std::string_view line, const OpenQuestion& question) {
  if (!question.groups.empty()) {
    return std::ranges::all_of(question.groups,
                               [&line](const auto& group) { return meets(line, group); })
               ? 1
               : 0;
  }
  const std::string text = eval::normalize_answer(line);
  return std::ranges::any_of(question.answers,
                             [&text](const std::string& answer) {
                               const std::string wanted = eval::normalize_answer(answer);
                               return !wanted.empty() && text.find(wanted) != std::string::npos;
                             })
             ? 1
             : 0;
}

eval::SampleScores score_answer(std::string_view response,
                                const OpenQuestion& question,
                                const std::vector<bool>& gold,
                                bool counts_citations) {
  const std::string line = first_line(response);
  const bool is_silent = abstains(line);
  eval::SampleScores out;
  if (question.is_answerable) {
    score_against_answers(line, question, out);
    out["false_abstention"] = as_score(is_silent);
  } else {
    for (const char* metric : {"f1", "exact_match", "subspan_em", "rejection"}) {
      out[metric] = as_score(is_silent);
    }
  }
  if (!question.wrong_answer.empty()) {
    out["misled"] = as_score(stands_in(line, question.wrong_answer));
  }
  if (counts_citations) {
    out["citation_precision"] = citation_precision(response, gold);
  }
  out["empty"] = as_score(line.empty());
  out["words"] = Contribution{static_cast<double>(eval::split_words(line).size()), 1};
  return out;
}

std::vector<eval::MetricRow> answer_metrics(const ScoredKinds& kinds) {
  using eval::Direction;
  std::vector<eval::MetricRow> out = {
      {"f1", "fraction"}, {"exact_match", "fraction"}, {"subspan_em", "fraction"}};
  if (kinds.has_answerable) {
    out.push_back({"rouge_l", "fraction"});
    out.push_back({"false_abstention", "fraction", Direction::kLower});
  }
  if (kinds.has_unanswerable) {
    out.push_back({"rejection", "fraction"});
  }
  if (kinds.has_wrong_answers) {
    out.push_back({"misled", "fraction", Direction::kLower});
  }
  if (kinds.counts_citations) {
    out.push_back({"citation_precision", "fraction"});
  }
  out.push_back({"empty", "fraction", Direction::kLower});
  out.push_back({"words", "words", Direction::kLower});
  return out;
}

}  // namespace nibble::rag
