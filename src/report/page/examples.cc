#include "report/page/examples.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "report/format.h"
#include "report/page/budget.h"

namespace nibble::report {
namespace {

constexpr std::size_t kMaxPromptBytes = 2000;
constexpr std::size_t kMaxAnswerBytes = 600;

/// Those who gave one answer.
struct Answerers {
  std::string_view answer;
  std::vector<const Variant*> variants;
};

/// A question that somebody got wrong.
struct Question {
  const Example* first = nullptr;             ///< of any variant: all were asked the same
  const Example* beside_reference = nullptr;  ///< of any variant but the reference
  bool has_reference = false;        ///< the reference's own answer is among the wrong ones
  std::vector<Answerers> answers{};  ///< those that most gave first
};

void add_answer(Question& question, std::string_view answer, const Variant& variant) {
  auto found = std::ranges::find(question.answers, answer, &Answerers::answer);
  if (found == question.answers.end()) {
    found = question.answers.insert(found, {answer, {}});
  }
  found->variants.push_back(&variant);
}

std::vector<Question> questions_of(const Data& data, std::size_t task) {
  std::map<std::tuple<bool, std::size_t>, Question> questions;  // (reference was wrong, position)
  std::map<std::size_t, bool> is_right;
  for (const Variant& variant : data.variants) {
    for (const Example& example : variant.outcomes[task].examples) {
      is_right[example.sample.index] |= example.reference_was_right;
    }
  }
  for (const Variant& variant : data.variants) {
    for (const Example& example : variant.outcomes[task].examples) {
      const std::size_t index = example.sample.index;
      Question& question = questions[{!is_right[index], index}];
      question.first = question.first != nullptr ? question.first : &example;
      if (variant.is_reference) {
        question.has_reference = true;
      } else {
        question.beside_reference = &example;
      }
      add_answer(question, example.sample.answer, variant);
    }
  }
  std::vector<Question> out;
  for (auto& [place, question] : questions) {
    std::ranges::stable_sort(
        question.answers, std::ranges::greater(), [](const auto& a) { return a.variants.size(); });
    out.push_back(std::move(question));
  }
  return out;
}

std::string text_html(std::string_view text) {
  return fmt::format("<pre>{}</pre>",
                     text.empty() ? "<i>(empty)</i>" : escape_html(shorten(text, kMaxAnswerBytes)));
}

std::string row_html(std::string_view term, std::string_view inner) {
  return fmt::format("<dt>{}</dt><dd>{}</dd>", term, inner);
}

/// With the colours of the plots, where these are few enough to be told apart.
std::string names_html(const std::vector<const Variant*>& variants, bool is_coloured) {
  std::vector<std::string> names;
  const std::size_t n = std::min(variants.size(), kMaxNames);
  for (std::size_t i = 0; i < n; ++i) {
    const std::string name = escape_html(variants[i]->record.name);
    names.push_back(
        is_coloured
            ? fmt::format("<span><i class=\"s{}\"></i>{}</span>", variants[i]->colour(), name)
            : name);
  }
  if (n < variants.size()) {
    names.push_back(fmt::format("and {} more", variants.size() - n));
  }
  return fmt::format("{}", fmt::join(names, is_coloured ? " " : ", "));
}

std::string question_html(const Question& question, bool is_coloured) {
  const Example& example = *question.first;
  const Example* beside = question.beside_reference;
  const bool was_right = beside != nullptr && beside->reference_was_right;
  std::string out =
      fmt::format("<div class=\"example\"><h4>{}{}</h4><pre class=\"prompt\">{}</pre><dl>",
                  escape_html(example.sample.sample_id),
                  was_right ? " \u00b7 <b>the reference got it right</b>" : "",
                  escape_html(shorten(example.sample.prompt, kMaxPromptBytes)));
  out += row_html("Wanted", text_html(example.sample.target));
  if (beside != nullptr && !question.has_reference) {
    out += row_html("Reference", text_html(beside->reference_answer));
  }
  const std::size_t n = std::min(question.answers.size(), kMaxAnswers);
  for (std::size_t i = 0; i < n; ++i) {
    const auto& [answer, variants] = question.answers[i];
    out += row_html(
        "Answered",
        fmt::format(
            "{}<div class=\"by\">{}</div>", text_html(answer), names_html(variants, is_coloured)));
  }
  if (n < question.answers.size()) {
    out += row_html("", fmt::format("and {} other answers", question.answers.size() - n));
  }
  return out + "</dl></div>";
}

/// One task, not yet cut.
struct TaskExamples {
  std::string_view task;
  std::vector<std::string> questions;
};

std::string task_html(const TaskExamples& examples, std::size_t share) {
  std::string inner;
  std::size_t n_shown = 0;
  for (const std::string& html : examples.questions) {
    if (inner.size() + html.size() > share) {
      break;
    }
    inner += html;
    ++n_shown;
  }
  const std::size_t n = examples.questions.size();
  std::string count = fmt::format("{} {}", n, n == 1 ? "question" : "questions");
  if (n_shown < n) {
    count = fmt::format("{} of {}", n_shown, count);
    inner += fmt::format(
        "<p class=\"cut\">{} of {} questions are shown. All these answers are in "
        "<code>tables/wrong-answers.csv</code> beside this page, the prompts in the study\u2019s "
        "store.</p>",
        n_shown,
        n);
  }
  return fmt::format(
      "<details><summary>{}<small>{}</small></summary><div class=\"inner\">{}</div></details>\n",
      escape_html(examples.task),
      count,
      inner);
}

}  // namespace

std::string examples_html(const Data& data) {
  std::vector<TaskExamples> tasks;
  std::vector<std::size_t> wanted;
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    TaskExamples examples{data.tasks[t].name, {}};
    std::size_t n_bytes = 0;
    for (const Question& question : questions_of(data, t)) {
      examples.questions.push_back(question_html(question, data.variants.size() <= kMaxNames));
      n_bytes += examples.questions.back().size();
    }
    if (!examples.questions.empty()) {
      wanted.push_back(n_bytes);
      tasks.push_back(std::move(examples));
    }
  }
  if (tasks.empty()) {
    return "<p class=\"how\">No task of this study calls an answer right or wrong.</p>\n";
  }
  const std::vector<std::size_t> shares = fair_shares(wanted, kExampleBytes);
  std::string out;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    out += task_html(tasks[i], shares[i]);
  }
  return out;
}

Table wrong_answer_table(const Data& data) {
  Table table{"wrong-answers",
              "First wrong answers",
              "Of every variant the first samples of each task that it got wrong, those that the "
              "reference got right before the others",
              {{"Task", false, {}},
               {"Sample", false, {}},
               {"Variant", false, {}},
               {"Wanted", false, {}},
               {"Answer", false, {}},
               {"Reference's answer", false, {}},
               {"Reference was right", false, {}}},
              {}};
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    for (const Variant& variant : data.variants) {
      for (const Example& example : variant.outcomes[t].examples) {
        table.rows.push_back({text_cell(data.tasks[t].name),
                              text_cell(example.sample.sample_id),
                              text_cell(variant.record.name),
                              text_cell(example.sample.target),
                              text_cell(example.sample.answer),
                              text_cell(example.reference_answer),
                              text_cell(example.reference_was_right ? "yes" : "no")});
      }
    }
  }
  return table;
}

}  // namespace nibble::report
