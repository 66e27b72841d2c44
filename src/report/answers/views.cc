#include "report/answers/views.h"

#include <algorithm>
#include <numeric>

#include "base/utf8.h"
#include "report/format.h"

namespace nibble::report {
namespace {

constexpr std::size_t kMaxPassageBytes = 500;
constexpr std::size_t kMaxQuestionBytes = 600;
constexpr std::size_t kMaxViewedAnswerBytes = 300;

/// The line that ends at `begin`, without its break.
std::string_view line_before(std::string_view text, std::size_t begin) {
  std::string_view before = text.substr(0, begin);
  if (before.ends_with('\n')) {
    before.remove_suffix(1);
  }
  const std::size_t line_break = before.rfind('\n');
  return line_break == std::string_view::npos ? before : before.substr(line_break + 1);
}

ViewedPassage view_passage(std::string_view prompt, const rag::AttendedDocument& document) {
  const std::size_t begin = std::min<std::size_t>(document.begin, prompt.size());
  const std::size_t end = std::clamp<std::size_t>(document.end, begin, prompt.size());
  return {std::string(line_before(prompt, begin)),
          shorten(prompt.substr(begin, end - begin), kMaxPassageBytes),
          document.is_gold};
}

std::optional<double> sample_score(const store::SampleRecord& sample, std::string_view metric) {
  const auto found = std::ranges::find(sample.scores, metric, &store::ScoreRecord::metric);
  return found != sample.scores.end() && found->ratio
             ? std::optional(found->ratio->sum / found->ratio->weight)
             : std::nullopt;
}

}  // namespace

QuestionView view_question(const store::SampleRecord& sample, const rag::AttentionRecord& record) {
  QuestionView out{.id = sample.sample_id, .wanted = sample.target};
  std::size_t behind = 0;
  for (const rag::AttendedDocument& document : record.documents) {
    out.passages.push_back(view_passage(sample.prompt, document));
    behind = std::max<std::size_t>(behind, document.end);
  }
  const std::string_view prompt = sample.prompt;
  out.question =
      shorten(utf8::strip(prompt.substr(std::min(behind, prompt.size()))), kMaxQuestionBytes);
  return out;
}

ViewedAnswer view_answer(const store::SampleRecord& sample, const rag::AttentionRecord& record) {
  ViewedAnswer out{shorten(sample.answer, kMaxViewedAnswerBytes), sample_score(sample, "f1"), {}};
  const std::vector<double> masses = record.n_steps() > 0 ? record.step(0) : std::vector<double>{};
  const double all = std::accumulate(masses.begin(), masses.end(), 0.0);
  if (all > 0) {
    for (const double mass : masses) {
      out.shares.push_back(mass / all);
    }
  }
  return out;
}

}  // namespace nibble::report
