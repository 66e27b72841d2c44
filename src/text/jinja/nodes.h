/// The parsed template: a tree whose nodes compute themselves.
///
/// Threads    immutable once parsed; one Runtime a thread
/// Errors     Error(kInvalidArgument) from `evaluate` and `run`, headed by the line of a statement
/// Source     Jinja 3.1 nodes
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja/runtime.h"
#include "text/jinja/value.h"

namespace nibble::text::jinja {

class Expression {
 public:
  virtual ~Expression() = default;
  [[nodiscard]] Value evaluate(Runtime& runtime) const {
    const Runtime::Step step(runtime);
    return compute(runtime);
  }

 protected:
  [[nodiscard]] virtual Value compute(Runtime& runtime) const = 0;
};
using ExpressionPtr = std::unique_ptr<const Expression>;

class Statement {
 public:
  explicit Statement(std::size_t line) : line_(line) {}
  virtual ~Statement() = default;
  [[nodiscard]] Flow run(Runtime& runtime) const;
  [[nodiscard]] std::size_t line() const noexcept { return line_; }

 protected:
  virtual Flow execute(Runtime& runtime) const = 0;

 private:
  std::size_t line_;
};
using StatementPtr = std::unique_ptr<const Statement>;
using Block = std::vector<StatementPtr>;

/// Ends at the first break or continue and passes it on.
Flow run_block(const Block& block, Runtime& runtime);

/// Positional and named arguments, evaluated.
struct Arguments {
  List positional;
  std::vector<Entry> named;

  /// The argument at `index` or called `name`; nullptr where neither is given.
  [[nodiscard]] const Value* find(std::size_t index, std::string_view name) const noexcept;
};

struct ArgumentNodes {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;

  [[nodiscard]] Arguments evaluate(Runtime& runtime) const;
};

struct MacroNode {
  std::string name;
  std::vector<std::pair<std::string, ExpressionPtr>> parameters;  ///< with their defaults, if any
  Block body;

  [[nodiscard]] Value call(const Arguments& arguments, Runtime& runtime) const;
};

}  // namespace nibble::text::jinja
