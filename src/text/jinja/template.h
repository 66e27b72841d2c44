/// A Jinja template: parsed once, rendered with the values of its names.
///
///   auto prompt = Template::parse("Question: {{ question }}\nAnswer:", "mine.toml").take();
///   prompt.render({{{"question", "Why?"}}})             // "Question: Why?\nAnswer:"
///
/// What there is: expressions with Python's operators, slices and conditions; if, for, set, macro,
/// break, continue, do, generation, raw, comments and white-space control; the filters, tests,
/// methods and functions of builtins.h. What there is not (inheritance, imports, filter blocks,
/// call blocks, assignments to attributes of anything but a namespace) is an error that names it.
///
/// Threads    immutable; `render` and `evaluate` are reentrant
/// Errors     parse: kCorruptData "WHERE:LINE: reason"; rendering: Error(kInvalidArgument)
///            "WHERE: reason"
/// Source     Jinja 3.1; equality is tested on chat templates and on lm-evaluation-harness's tasks
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/jinja/lexer.h"
#include "text/jinja/runtime.h"

namespace nibble::text::jinja {

struct TemplateOptions {
  Syntax syntax = kTaskSyntax;
  Strictness strictness = Strictness::kStrict;
  Limits limits{};
};

class Template {
 public:
  /// `where` heads every error message.
  static Result<Template> parse(std::string_view source,
                                std::string_view where,
                                const TemplateOptions& options = {});

  [[nodiscard]] std::string render(const Dict& names) const;
  /// The value itself where the template ends with "{{ expression }}" and nothing but white space
  /// is printed before, so that a list stays a list; the rendered text otherwise.
  [[nodiscard]] Value evaluate(const Dict& names) const;

 private:
  struct Parsed;
  explicit Template(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace nibble::text::jinja
