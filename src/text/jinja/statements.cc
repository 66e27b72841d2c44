#include "text/jinja/statements.h"

#include <algorithm>

#include "base/error.h"
#include "text/jinja/operations.h"

namespace nibble::text::jinja {
namespace {

/// Gives `value` to the targets of a "for" or a "set"; several take its elements apart.
void assign(const std::vector<std::string>& targets, const Value& value, Runtime& runtime) {
  if (targets.size() == 1) {
    runtime.set(targets.front(), value);
    return;
  }
  const List parts = items_of(value, runtime);
  if (parts.size() != targets.size()) {
    raise(ErrorCode::kInvalidArgument, "{} values for {} names", parts.size(), targets.size());
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    runtime.set(targets[i], parts[i]);
  }
}

void set_member(const std::string& target, std::size_t dot, const Value& value, Runtime& runtime) {
  Dict* names = runtime.find(target.substr(0, dot)).names();
  if (names == nullptr) {
    raise(ErrorCode::kInvalidArgument, "'{}' is no namespace", target.substr(0, dot));
  }
  if (value.names() != nullptr) {
    raise(ErrorCode::kInvalidArgument, "a namespace cannot hold a namespace");
  }
  const std::string key = target.substr(dot + 1);
  const auto found = std::ranges::find(names->entries, key, &Entry::first);
  if (found != names->entries.end()) {
    found->second = value;
  } else {
    names->entries.emplace_back(key, value);
  }
}

/// What the name "loop" says inside a loop.
Value loop_value(const List& items, std::size_t i) {
  const auto whole = [](std::size_t n) { return Value(static_cast<std::int64_t>(n)); };
  return std::vector<Entry>{
      {"index", whole(i + 1)},
      {"index0", whole(i)},
      {"revindex", whole(items.size() - i)},
      {"revindex0", whole(items.size() - i - 1)},
      {"first", i == 0},
      {"last", i + 1 == items.size()},
      {"length", whole(items.size())},
      {"previtem", i > 0 ? items[i - 1] : Value(Undefined{"loop.previtem"})},
      {"nextitem", i + 1 < items.size() ? items[i + 1] : Value(Undefined{"loop.nextitem"})}};
}

}  // namespace

Flow Statement::run(Runtime& runtime) const {
  const Runtime::Step step(runtime);
  return execute(runtime);
}

Flow run_block(const Block& block, Runtime& runtime) {
  for (const StatementPtr& statement : block) {
    const Flow flow = statement->run(runtime);
    if (flow != Flow::kNormal) {
      return flow;
    }
  }
  return Flow::kNormal;
}

const Value* Arguments::find(std::size_t index, std::string_view name) const noexcept {
  if (index < positional.size()) {
    return &positional[index];
  }
  const auto found = std::ranges::find(named, name, &Entry::first);
  return found == named.end() ? nullptr : &found->second;
}

Arguments ArgumentNodes::evaluate(Runtime& runtime) const {
  Arguments out;
  for (const ExpressionPtr& one : positional) {
    out.positional.push_back(one->evaluate(runtime));
  }
  for (const auto& [name, one] : named) {
    out.named.emplace_back(name, one->evaluate(runtime));
  }
  return out;
}

Value MacroNode::call(const Arguments& arguments, Runtime& runtime) const {
  const Runtime::Step step(runtime);
  const Runtime::Scope scope(runtime, Runtime::ScopeKind::kMacro);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [parameter, otherwise] = parameters[i];
    const Value* given = arguments.find(i, parameter);
    runtime.set(parameter,
                given != nullptr ? *given
                : otherwise      ? otherwise->evaluate(runtime)
                                 : Value(Undefined{parameter}));
  }
  const std::size_t before = runtime.output_size();
  static_cast<void>(run_block(body, runtime));
  return runtime.take_output(before);
}

Flow If::execute(Runtime& runtime) const {
  for (const auto& [condition, body] : branches_) {
    if (!condition || is_true(runtime.usable(condition->evaluate(runtime)))) {
      return run_block(body, runtime);
    }
  }
  return Flow::kNormal;
}

List For::selected(Runtime& runtime) const {
  List all = items_of(runtime.usable(parts_.items->evaluate(runtime)), runtime);
  if (!parts_.condition) {
    return all;
  }
  List out;
  for (Value& item : all) {
    const Runtime::Scope scope(runtime, Runtime::ScopeKind::kBlock);
    assign(parts_.targets, item, runtime);
    if (is_true(runtime.usable(parts_.condition->evaluate(runtime)))) {
      out.push_back(std::move(item));
    }
  }
  return out;
}

Flow For::execute(Runtime& runtime) const {
  const List items = selected(runtime);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Runtime::Step step(runtime);
    const Runtime::Scope scope(runtime, Runtime::ScopeKind::kBlock);
    assign(parts_.targets, items[i], runtime);
    runtime.set("loop", loop_value(items, i));
    if (run_block(parts_.body, runtime) == Flow::kBreak) {
      return Flow::kNormal;
    }
  }
  return items.empty() ? run_block(parts_.otherwise, runtime) : Flow::kNormal;
}

Flow Set::execute(Runtime& runtime) const {
  const Value value = value_->evaluate(runtime);
  const std::size_t dot = targets_.front().find('.');
  if (targets_.size() == 1 && dot != std::string::npos) {
    set_member(targets_.front(), dot, value, runtime);
  } else {
    assign(targets_, value, runtime);
  }
  return Flow::kNormal;
}

Flow SetBlock::execute(Runtime& runtime) const {
  const std::size_t before = runtime.output_size();
  static_cast<void>(run_block(body_, runtime));
  runtime.set(target_, runtime.take_output(before));
  return Flow::kNormal;
}

}  // namespace nibble::text::jinja
