#include <algorithm>
#include <ctime>

#include "base/error.h"
#include "text/jinja/builtins.h"
#include "text/jinja/operations.h"

namespace nibble::text::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100'000;  // as Jinja's sandbox

Value range(const Value&, const Arguments& arguments, Runtime&) {
  std::vector<std::int64_t> given;
  for (const Value& one : arguments.positional) {
    given.push_back(one.as_whole().value_or(kMaxRange * kMaxRange));
  }
  if (given.empty() || given.size() > 3 || (given.size() == 3 && given[2] == 0) ||
      std::ranges::any_of(given, [](std::int64_t x) { return x > kMaxRange || x < -kMaxRange; })) {
    raise(ErrorCode::kInvalidArgument,
          "range wants one to three whole numbers of at most {}",
          kMaxRange);
  }
  const std::int64_t begin = given.size() == 1 ? 0 : given[0];
  const std::int64_t end = given.size() == 1 ? given[0] : given[1];
  const std::int64_t step = given.size() == 3 ? given[2] : 1;
  List out;
  for (std::int64_t i = begin; step > 0 ? i < end : i > end; i += step) {
    out.emplace_back(i);
  }
  return out;
}

Value make_namespace(const Value&, const Arguments& arguments, Runtime& runtime) {
  std::vector<Entry> entries = arguments.named;
  for (const Entry& entry : entries) {
    if (entry.second.names() != nullptr) {
      raise(ErrorCode::kInvalidArgument, "a namespace cannot hold a namespace");
    }
  }
  return runtime.make_namespace(std::move(entries));
}

Value dict(const Value&, const Arguments& arguments, Runtime&) {
  return arguments.named;
}

Value raise_exception(const Value&, const Arguments& arguments, Runtime&) {
  raise(ErrorCode::kInvalidArgument,
        "{}",
        arguments.positional.empty() ? "raise_exception" : to_text(arguments.positional.front()));
}

Value strftime_now(const Value&, const Arguments& arguments, Runtime&) {
  const std::string format =
      arguments.positional.empty() ? "" : arguments.positional[0].text("strftime_now");
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::string out(1024, '\0');
  out.resize(std::strftime(out.data(), out.size(), format.c_str(), &local));
  return out;
}

}  // namespace

Builtin find_function(std::string_view name) noexcept {
  struct Row {
    std::string_view name;
    Builtin function;
  };
  static constexpr Row kRows[] = {{"dict", dict},
                                  {"namespace", make_namespace},
                                  {"raise_exception", raise_exception},
                                  {"range", range},
                                  {"strftime_now", strftime_now}};
  const auto* found = std::ranges::find(kRows, name, &Row::name);
  return found == std::ranges::end(kRows) ? nullptr : found->function;
}

}  // namespace nibble::text::jinja
