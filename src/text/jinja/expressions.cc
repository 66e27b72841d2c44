#include "text/jinja/expressions.h"

#include "base/error.h"

namespace nibble::text::jinja {
namespace {

bool holds(Comparison comparison, const Value& a, const Value& b) {
  switch (comparison) {
    case Comparison::kEqual:
      return are_equal(a, b);
    case Comparison::kNotEqual:
      return !are_equal(a, b);
    case Comparison::kLess:
      return compare(a, b) < 0;
    case Comparison::kLessEqual:
      return compare(a, b) <= 0;
    case Comparison::kGreater:
      return compare(a, b) > 0;
    case Comparison::kGreaterEqual:
      return compare(a, b) >= 0;
    case Comparison::kIn:
      return contains(b, a);
    case Comparison::kNotIn:
      return !contains(b, a);
  }
  return false;
}

std::optional<std::int64_t> bound_of(const ExpressionPtr& node, Runtime& runtime) {
  if (!node) {
    return std::nullopt;
  }
  const Value value = node->evaluate(runtime);
  if (!value.as_whole() && !value.is_none()) {
    raise(ErrorCode::kInvalidArgument, "a slice wants whole numbers, not {}", kind_name(value));
  }
  return value.as_whole();
}

}  // namespace

Value ListNode::compute(Runtime& runtime) const {
  List out;
  for (const ExpressionPtr& item : items_) {
    out.push_back(runtime.usable(item->evaluate(runtime)));
  }
  return out;
}

Value DictNode::compute(Runtime& runtime) const {
  std::vector<Entry> out;
  for (const auto& [key, value] : pairs_) {
    out.emplace_back(key->evaluate(runtime).text("a key"), value->evaluate(runtime));
  }
  return out;
}

Value AndOr::compute(Runtime& runtime) const {
  Value left = runtime.usable(left_->evaluate(runtime));
  return is_true(left) == is_and_ ? right_->evaluate(runtime) : left;
}

Value Binary::compute(Runtime& runtime) const {
  const Value left = left_->evaluate(runtime);
  return apply(operation_, left, right_->evaluate(runtime), runtime);
}

Value Compare::compute(Runtime& runtime) const {
  Value left = runtime.usable(first_->evaluate(runtime));
  for (const auto& [comparison, node] : links_) {
    Value right = runtime.usable(node->evaluate(runtime));
    if (!holds(comparison, left, right)) {
      return false;
    }
    left = std::move(right);
  }
  return true;
}

Value Conditional::compute(Runtime& runtime) const {
  if (is_true(runtime.usable(condition_->evaluate(runtime)))) {
    return then_->evaluate(runtime);
  }
  return otherwise_ ? otherwise_->evaluate(runtime) : Value(Undefined{"the 'else' of an 'if'"});
}

Value SliceNode::compute(Runtime& runtime) const {
  const Value object = runtime.usable(object_->evaluate(runtime));
  return slice(object,
               {bound_of(bounds_[0], runtime),
                bound_of(bounds_[1], runtime),
                bound_of(bounds_[2], runtime)});
}

Value Call::compute(Runtime& runtime) const {
  if (const auto* method = dynamic_cast<const Member*>(callee_.get())) {
    const Value object = runtime.usable(method->object().evaluate(runtime));
    if (const Builtin function = find_method(object, method->name())) {
      return function(object, arguments_.evaluate(runtime), runtime);
    }
    const Value held = member(object, method->name());
    const auto* macro = held.get<const MacroNode*>();
    if (macro == nullptr) {
      raise(
          ErrorCode::kInvalidArgument, "{} has no method '{}'", kind_name(object), method->name());
    }
    return (*macro)->call(arguments_.evaluate(runtime), runtime);
  }
  const auto* name = dynamic_cast<const Name*>(callee_.get());
  const Value callee = callee_->evaluate(runtime);
  if (const auto* macro = callee.get<const MacroNode*>()) {
    return (*macro)->call(arguments_.evaluate(runtime), runtime);
  }
  const Builtin function = name == nullptr ? nullptr : find_function(name->name());
  if (function == nullptr) {
    raise(ErrorCode::kInvalidArgument,
          "'{}' is no function",
          name == nullptr ? kind_name(callee) : name->name());
  }
  return function(Value(), arguments_.evaluate(runtime), runtime);
}

Value FilterCall::compute(Runtime& runtime) const {
  const Value value = value_->evaluate(runtime);
  return filter_(value, arguments_.evaluate(runtime), runtime);
}

Value TestCall::compute(Runtime& runtime) const {
  const Value value = value_->evaluate(runtime);
  return test_(value, arguments_.evaluate(runtime), runtime);
}

}  // namespace nibble::text::jinja
