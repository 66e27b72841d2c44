/// What a rendering carries along: the names in scope, its output, and what it has used up.
///
/// Errors     kInvalidArgument when a limit is reached; the message names it
/// Source     our own; scopes as in Jinja 3.1: loops and macros have their own, branches do not
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/value.h"

namespace nibble::text::jinja {

/// Templates come with models and task files from outside: what one rendering may use is bounded.
struct Limits {
  std::size_t max_steps = 2'000'000;              ///< expressions and statements evaluated
  std::size_t max_bytes = std::size_t{16} << 20;  ///< of one text, the output included
  std::size_t max_depth = 400;                    ///< of expressions, blocks and macros
};

enum class Strictness : std::uint8_t {
  kLenient,  ///< something undefined prints as nothing (chat templates)
  kStrict,   ///< something undefined is an error wherever it is used (tasks)
};

enum class Flow : std::uint8_t { kNormal, kBreak, kContinue };

class Runtime {
 public:
  Runtime(const Dict& globals, Strictness strictness, const Limits& limits)
      : globals_(globals), strictness_(strictness), limits_(limits) {
    scopes_.emplace_back();
  }

  /// One step deeper while it lives.
  class Step {
   public:
    explicit Step(Runtime& runtime) : runtime_(runtime) { runtime_.begin_step(); }
    ~Step() { --runtime_.depth_; }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Runtime& runtime_;
  };

  /// A scope while it lives. A macro sees the outermost names only.
  enum class ScopeKind : std::uint8_t { kBlock, kMacro };
  class Scope {
   public:
    Scope(Runtime& runtime, ScopeKind kind);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Runtime& runtime_;
    std::size_t first_visible_;
  };

  /// Undefined where there is none.
  [[nodiscard]] Value find(const std::string& name) const;
  void set(const std::string& name, Value value);
  Dict* make_namespace(std::vector<Entry> entries);

  void print(const Value& value);
  void print_text(std::string_view text);
  /// What was printed since, taken out of the output.
  [[nodiscard]] std::size_t output_size() const noexcept { return output_.size(); }
  std::string take_output(std::size_t from);

  /// Raises unless a text of this size may be made.
  void check_bytes(std::size_t n_bytes) const;
  /// Raises where `value` is undefined and that is not allowed; gives it back otherwise.
  const Value& usable(const Value& value) const;
  [[nodiscard]] const Limits& limits() const noexcept { return limits_; }

 private:
  void begin_step();

  const Dict& globals_;
  Strictness strictness_;
  Limits limits_;
  std::vector<std::vector<Entry>> scopes_;
  std::size_t first_visible_ = 1;  // the scopes between the outermost and this one are hidden
  std::vector<std::unique_ptr<Dict>> namespaces_;
  std::string output_;
  std::size_t n_steps_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace nibble::text::jinja
