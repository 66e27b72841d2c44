#include "eval/task_file/question.h"

#include <algorithm>

#include "base/error.h"

namespace nibble::eval {
namespace {

using text::jinja::List;
using text::jinja::Value;

class Renderer {
 public:
  Renderer(const TaskDefinition& task, const Value& row, std::string_view where)
      : task_(task), row_(row), where_(where) {}

  Question question() const {
    Question out;
    const PromptTemplates& prompt = task_.prompt;
    if (prompt.text) {
      out.text = prompt.text->render(names());
    }
    if (task_.kind == TaskKind::kChoice) {
      add_choices(out);
    } else if (prompt.target) {
      out.target = prompt.target->evaluate(names());
      out.targets = texts_of(out.target);
    }
    return out;
  }

  Shot shot() const {
    const ShotRule& rule = task_.shots;
    if (task_.kind == TaskKind::kChoice) {
      return choice_shot();
    }
    const Template& text = rule.text ? *rule.text : *task_.prompt.text;
    const std::optional<Template>& target = rule.target ? rule.target : task_.prompt.target;
    const std::vector<std::string> answers =
        target ? texts_of(target->evaluate(names())) : std::vector<std::string>();
    return {text.render(names()), answers.empty() ? std::string() : answers.front()};
  }

 private:
  [[nodiscard]] const text::jinja::Dict& names() const { return *row_.dict(); }

  [[noreturn]] void reject(std::string_view reason) const {
    raise(ErrorCode::kCorruptData, "{}: {}", where_, reason);
  }

  /// Texts as they stand, numbers written out.
  [[nodiscard]] std::vector<std::string> texts_of(const Value& value) const {
    std::vector<std::string> out;
    if (value.is_list()) {
      for (const Value& one : *value.list()) {
        out.push_back(text::jinja::to_text(one));
      }
    } else {
      out.push_back(text::jinja::to_text(value));
    }
    return out;
  }

  [[nodiscard]] std::vector<std::string> list_from(const Template& source,
                                                   std::string_view what) const {
    const Value value = source.evaluate(names());
    if (!value.is_list() || value.list()->empty()) {
      reject(fmt::format("'{}' gives {}, wanted a list with elements", what, kind_name(value)));
    }
    return texts_of(value);
  }

  void add_choices(Question& out) const {
    const PromptTemplates& prompt = task_.prompt;
    if (prompt.contexts) {
      out.contexts = list_from(*prompt.contexts, "contexts");
      out.continuation = prompt.continuation->render(names());
    } else {
      out.choices = list_from(*prompt.choices, "choices");
    }
    const std::vector<std::string>& all = prompt.contexts ? out.contexts : out.choices;
    out.is_right = prompt.right ? truth_of_each(all.size()) : std::vector<bool>(all.size(), false);
    if (!prompt.right) {
      out.is_right[right_choice(all)] = true;
    }
  }

  [[nodiscard]] std::vector<bool> truth_of_each(std::size_t n) const {
    const Value value = task_.prompt.right->evaluate(names());
    std::vector<bool> out;
    for (const Value& one : value.is_list() ? *value.list() : List()) {
      out.push_back(text::jinja::is_true(one));
    }
    if (out.size() != n) {
      reject(fmt::format("'right' has {} elements for {} choices", out.size(), n));
    }
    if (std::ranges::count(out, true) == 0) {
      reject("'right' names no choice");
    }
    return out;
  }

  /// The target as a number from 0 or as the text of a choice.
  [[nodiscard]] std::size_t right_choice(const std::vector<std::string>& choices) const {
    const Value target = task_.prompt.target->evaluate(names());
    if (const auto whole = target.as_whole()) {
      if (*whole >= 0 && *whole < static_cast<std::int64_t>(choices.size())) {
        return static_cast<std::size_t>(*whole);
      }
      reject(fmt::format("'target' is {}, there are {} choices", *whole, choices.size()));
    }
    const std::string text = text::jinja::to_text(target);
    const auto found = std::ranges::find(choices, text);
    if (found == choices.end()) {
      reject(fmt::format("'target' is '{}', which is none of {} choices", text, choices.size()));
    }
    return static_cast<std::size_t>(found - choices.begin());
  }

  [[nodiscard]] Shot choice_shot() const {
    const Question whole = question();
    const auto right =
        static_cast<std::size_t>(std::ranges::find(whole.is_right, true) - whole.is_right.begin());
    return whole.contexts.empty() ? Shot{whole.text, whole.choices[right]}
                                  : Shot{whole.contexts[right], whole.continuation};
  }

  const TaskDefinition& task_;
  const Value& row_;
  std::string_view where_;
};

/// What the row did to a template is the data's fault, not the caller's.
template <class Work>
auto with_where(std::string_view where, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidArgument) {
      throw;
    }
    raise(ErrorCode::kCorruptData, "{}: {}", where, error.what());
  }
}

}  // namespace

Question render_question(const TaskDefinition& task, const Value& row, std::string_view where) {
  return with_where(where, [&] { return Renderer(task, row, where).question(); });
}

Shot render_shot(const TaskDefinition& task, const Value& row, std::string_view where) {
  return with_where(where, [&] { return Renderer(task, row, where).shot(); });
}

}  // namespace nibble::eval
