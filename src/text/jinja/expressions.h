/// The kinds of expression.
///
/// Source     Jinja 3.1 nodes
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "text/jinja/builtins.h"
#include "text/jinja/nodes.h"
#include "text/jinja/operations.h"

namespace nibble::text::jinja {

class Literal final : public Expression {
 public:
  explicit Literal(Value value) : value_(std::move(value)) {}
  Value compute(Runtime&) const override { return value_; }

 private:
  Value value_;
};

class Name final : public Expression {
 public:
  explicit Name(std::string name) : name_(std::move(name)) {}
  Value compute(Runtime& runtime) const override { return runtime.find(name_); }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  std::string name_;
};

class ListNode final : public Expression {
 public:
  explicit ListNode(std::vector<ExpressionPtr> items) : items_(std::move(items)) {}
  Value compute(Runtime& runtime) const override;

 private:
  std::vector<ExpressionPtr> items_;
};

class DictNode final : public Expression {
 public:
  using Pair = std::pair<ExpressionPtr, ExpressionPtr>;
  explicit DictNode(std::vector<Pair> pairs) : pairs_(std::move(pairs)) {}
  Value compute(Runtime& runtime) const override;

 private:
  std::vector<Pair> pairs_;
};

class Negation final : public Expression {
 public:
  explicit Negation(ExpressionPtr of) : of_(std::move(of)) {}
  Value compute(Runtime& runtime) const override {
    return negated(runtime.usable(of_->evaluate(runtime)));
  }

 private:
  ExpressionPtr of_;
};

class Not final : public Expression {
 public:
  explicit Not(ExpressionPtr of) : of_(std::move(of)) {}
  Value compute(Runtime& runtime) const override {
    return !is_true(runtime.usable(of_->evaluate(runtime)));
  }

 private:
  ExpressionPtr of_;
};

/// The first operand that decides, as in Python.
class AndOr final : public Expression {
 public:
  AndOr(bool is_and, ExpressionPtr left, ExpressionPtr right)
      : is_and_(is_and), left_(std::move(left)), right_(std::move(right)) {}
  Value compute(Runtime& runtime) const override;

 private:
  bool is_and_;
  ExpressionPtr left_, right_;
};

class Binary final : public Expression {
 public:
  Binary(BinaryOperator operation, ExpressionPtr left, ExpressionPtr right)
      : operation_(operation), left_(std::move(left)), right_(std::move(right)) {}
  Value compute(Runtime& runtime) const override;

 private:
  BinaryOperator operation_;
  ExpressionPtr left_, right_;
};

enum class Comparison : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};
/// a < b < c: each operand once, until one comparison fails.
class Compare final : public Expression {
 public:
  using Link = std::pair<Comparison, ExpressionPtr>;
  Compare(ExpressionPtr first, std::vector<Link> links)
      : first_(std::move(first)), links_(std::move(links)) {}
  Value compute(Runtime& runtime) const override;

 private:
  ExpressionPtr first_;
  std::vector<Link> links_;
};

class Conditional final : public Expression {
 public:
  Conditional(ExpressionPtr condition, ExpressionPtr then, ExpressionPtr otherwise)
      : condition_(std::move(condition)),
        then_(std::move(then)),
        otherwise_(std::move(otherwise)) {}
  Value compute(Runtime& runtime) const override;

 private:
  ExpressionPtr condition_, then_, otherwise_;  // otherwise_ may be missing
};

class Member final : public Expression {
 public:
  Member(ExpressionPtr object, std::string name)
      : object_(std::move(object)), name_(std::move(name)) {}
  Value compute(Runtime& runtime) const override {
    return member(object_->evaluate(runtime), name_);
  }
  [[nodiscard]] const Expression& object() const noexcept { return *object_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  ExpressionPtr object_;
  std::string name_;
};

class Element final : public Expression {
 public:
  Element(ExpressionPtr object, ExpressionPtr index)
      : object_(std::move(object)), index_(std::move(index)) {}
  Value compute(Runtime& runtime) const override {
    const Value object = object_->evaluate(runtime);
    return element(object, runtime.usable(index_->evaluate(runtime)));
  }

 private:
  ExpressionPtr object_, index_;
};

class SliceNode final : public Expression {
 public:
  /// Begin, end, step; each may be missing.
  using Bounds = std::array<ExpressionPtr, 3>;
  SliceNode(ExpressionPtr object, Bounds bounds)
      : object_(std::move(object)), bounds_(std::move(bounds)) {}
  Value compute(Runtime& runtime) const override;

 private:
  ExpressionPtr object_;
  Bounds bounds_;
};

class Call final : public Expression {
 public:
  Call(ExpressionPtr callee, ArgumentNodes arguments)
      : callee_(std::move(callee)), arguments_(std::move(arguments)) {}
  Value compute(Runtime& runtime) const override;

 private:
  ExpressionPtr callee_;
  ArgumentNodes arguments_;
};

class FilterCall final : public Expression {
 public:
  FilterCall(ExpressionPtr value, Builtin filter, ArgumentNodes arguments)
      : value_(std::move(value)), filter_(filter), arguments_(std::move(arguments)) {}
  Value compute(Runtime& runtime) const override;

 private:
  ExpressionPtr value_;
  Builtin filter_;
  ArgumentNodes arguments_;
};

class TestCall final : public Expression {
 public:
  TestCall(ExpressionPtr value, Test test, ArgumentNodes arguments)
      : value_(std::move(value)), test_(test), arguments_(std::move(arguments)) {}
  Value compute(Runtime& runtime) const override;

 private:
  ExpressionPtr value_;
  Test test_;
  ArgumentNodes arguments_;
};

}  // namespace nibble::text::jinja
