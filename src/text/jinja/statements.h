/// The kinds of statement.
///
/// Source     Jinja 3.1 nodes, its loop controls, and the `generation` tag of Transformers, whose
///            body is printed
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "text/jinja/nodes.h"

namespace nibble::text::jinja {

class TextStatement final : public Statement {
 public:
  TextStatement(std::size_t line, std::string text) : Statement(line), text_(std::move(text)) {}
  Flow execute(Runtime& runtime) const override {
    runtime.print_text(text_);
    return Flow::kNormal;
  }

 private:
  std::string text_;
};

class Print final : public Statement {
 public:
  Print(std::size_t line, ExpressionPtr value) : Statement(line), value_(std::move(value)) {}
  Flow execute(Runtime& runtime) const override {
    runtime.print(value_->evaluate(runtime));
    return Flow::kNormal;
  }
  [[nodiscard]] const Expression& value() const noexcept { return *value_; }

 private:
  ExpressionPtr value_;
};

class If final : public Statement {
 public:
  /// A missing condition is "else".
  using Branch = std::pair<ExpressionPtr, Block>;
  If(std::size_t line, std::vector<Branch> branches)
      : Statement(line), branches_(std::move(branches)) {}
  Flow execute(Runtime& runtime) const override;

 private:
  std::vector<Branch> branches_;
};

struct ForParts {
  std::vector<std::string> targets;
  ExpressionPtr items;
  ExpressionPtr condition;  ///< may be missing
  Block body, otherwise;
};
class For final : public Statement {
 public:
  For(std::size_t line, ForParts parts) : Statement(line), parts_(std::move(parts)) {}
  Flow execute(Runtime& runtime) const override;

 private:
  [[nodiscard]] List selected(Runtime& runtime) const;
  ForParts parts_;
};

/// {% set a = … %}, {% set a, b = … %}, {% set names.a = … %}
class Set final : public Statement {
 public:
  Set(std::size_t line, std::vector<std::string> targets, ExpressionPtr value)
      : Statement(line), targets_(std::move(targets)), value_(std::move(value)) {}
  Flow execute(Runtime& runtime) const override;

 private:
  std::vector<std::string> targets_;  // "names.a" for a member of a namespace
  ExpressionPtr value_;
};

/// {% set a %}…{% endset %}
class SetBlock final : public Statement {
 public:
  SetBlock(std::size_t line, std::string target, Block body)
      : Statement(line), target_(std::move(target)), body_(std::move(body)) {}
  Flow execute(Runtime& runtime) const override;

 private:
  std::string target_;
  Block body_;
};

class MacroStatement final : public Statement {
 public:
  MacroStatement(std::size_t line, MacroNode macro) : Statement(line), macro_(std::move(macro)) {}
  Flow execute(Runtime& runtime) const override {
    runtime.set(macro_.name, &macro_);
    return Flow::kNormal;
  }

 private:
  MacroNode macro_;
};

class Jump final : public Statement {
 public:
  Jump(std::size_t line, Flow flow) : Statement(line), flow_(flow) {}
  Flow execute(Runtime&) const override { return flow_; }

 private:
  Flow flow_;
};

/// {% do … %}: the value is thrown away.
class Do final : public Statement {
 public:
  Do(std::size_t line, ExpressionPtr value) : Statement(line), value_(std::move(value)) {}
  Flow execute(Runtime& runtime) const override {
    static_cast<void>(value_->evaluate(runtime));
    return Flow::kNormal;
  }

 private:
  ExpressionPtr value_;
};

class Group final : public Statement {
 public:
  Group(std::size_t line, Block body) : Statement(line), body_(std::move(body)) {}
  Flow execute(Runtime& runtime) const override { return run_block(body_, runtime); }

 private:
  Block body_;
};

}  // namespace nibble::text::jinja
