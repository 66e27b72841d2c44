#include "text/jinja/runtime.h"

#include <algorithm>

#include "base/error.h"

namespace nibble::text::jinja {

Runtime::Scope::Scope(Runtime& runtime, ScopeKind kind)
    : runtime_(runtime), first_visible_(runtime.first_visible_) {
  if (kind == ScopeKind::kMacro) {
    runtime_.first_visible_ = runtime_.scopes_.size();
  }
  runtime_.scopes_.emplace_back();
}

Runtime::Scope::~Scope() {
  runtime_.scopes_.pop_back();
  runtime_.first_visible_ = first_visible_;
}

void Runtime::begin_step() {
  if (++n_steps_ > limits_.max_steps) {
    raise(ErrorCode::kInvalidArgument, "the template takes more than {} steps", limits_.max_steps);
  }
  if (++depth_ > limits_.max_depth) {
    --depth_;
    raise(ErrorCode::kInvalidArgument, "the template nests deeper than {}", limits_.max_depth);
  }
}

Value Runtime::find(const std::string& name) const {
  const auto in = [&](const std::vector<Entry>& scope) -> const Value* {
    const auto found = std::ranges::find(scope, name, &Entry::first);
    return found == scope.end() ? nullptr : &found->second;
  };
  for (std::size_t i = scopes_.size(); i > std::max<std::size_t>(first_visible_, 1); --i) {
    if (const Value* value = in(scopes_[i - 1])) {
      return *value;
    }
  }
  if (const Value* value = in(scopes_.front())) {
    return *value;
  }
  const Value* global = globals_.find(name);
  return global != nullptr ? *global : Value(Undefined{name});
}

void Runtime::set(const std::string& name, Value value) {
  std::vector<Entry>& scope = scopes_.back();
  const auto found = std::ranges::find(scope, name, &Entry::first);
  if (found != scope.end()) {
    found->second = std::move(value);
  } else {
    scope.emplace_back(name, std::move(value));
  }
}

Dict* Runtime::make_namespace(std::vector<Entry> entries) {
  namespaces_.push_back(std::make_unique<Dict>(Dict{std::move(entries)}));
  return namespaces_.back().get();
}

void Runtime::print(const Value& value) {
  print_text(to_text(usable(value)));
}

void Runtime::print_text(std::string_view text) {
  check_bytes(output_.size() + text.size());
  output_ += text;
}

std::string Runtime::take_output(std::size_t from) {
  std::string out = output_.substr(from);
  output_.resize(from);
  return out;
}

void Runtime::check_bytes(std::size_t n_bytes) const {
  if (n_bytes > limits_.max_bytes) {
    raise(ErrorCode::kInvalidArgument,
          "the template makes a text of more than {} bytes",
          limits_.max_bytes);
  }
}

const Value& Runtime::usable(const Value& value) const {
  const auto* undefined = value.get<Undefined>();
  if (undefined != nullptr && strictness_ == Strictness::kStrict) {
    raise(ErrorCode::kInvalidArgument, "'{}' is undefined", undefined->name);
  }
  return value;
}

}  // namespace nibble::text::jinja
