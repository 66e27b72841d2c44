/// The one error vocabulary of nibble.
///
/// A `Failure` is a value: what went wrong, where, and what was wanted. Functions whose failure the
/// caller expects return it inside a `Result`; failures that end the operation travel as the
/// exception `Error`, with the same code.
///
/// Errors     messages read "where: what, what was wanted": `blk.3.attn_q.weight: offset 9e18 is
///            past the end of the file`
/// Source     our own
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace nibble {

enum class ErrorCode {
  kInvalidArgument,  ///< the caller asked for something that makes no sense (an option, a recipe
                     ///< key)
  kNotFound,         ///< a file, a name or an entry does not exist
  kIo,               ///< the operating system refused a read, a write or a rename
  kCorruptData,      ///< a file from outside contradicts itself or its format
  kUnsupported,      ///< well formed, but nothing here handles it
  kShapeMismatch,    ///< dimensions that must agree do not
  kOutOfMemory,      ///< the memory that the operation needs is not there
  kDevice,           ///< an accelerator reported an error
  kMismatch,         ///< a stored result belongs to other inputs than those given now
  kCancelled,        ///< the user stopped the operation
  kInternal,         ///< a bug in nibble
};

/// The stable name of a code, as it stands in JSON output: "corrupt_data".
std::string_view error_code_name(ErrorCode code) noexcept;

/// A failure as a plain value.
struct Failure {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;

  /// The same failure with "where: " before its message.
  [[nodiscard]] Failure within(std::string_view where) const {
    return {code, fmt::format("{}: {}", where, message)};
  }
};

/// A failure that ends the operation.
class Error : public std::runtime_error {
 public:
  explicit Error(Failure failure)
      : std::runtime_error(failure.message), failure_(std::move(failure)) {}
  [[nodiscard]] ErrorCode code() const noexcept { return failure_.code; }
  [[nodiscard]] const Failure& failure() const noexcept { return failure_; }

 private:
  Failure failure_;
};

/// Builds a Failure from a format string: `fail(ErrorCode::kNotFound, "{}: no such file", path)`.
template <class... Args>
[[nodiscard]] Failure fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return {code, fmt::format(format, std::forward<Args>(args)...)};
}

/// Throws Error with a formatted message.
template <class... Args>
[[noreturn]] void raise(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error({code, fmt::format(format, std::forward<Args>(args)...)});
}

}  // namespace nibble
