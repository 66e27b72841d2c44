/// A value or the reason why there is none.
///
/// Used where the caller expects failure: a file may be malformed, a name unknown. `take()` crosses
/// over to exceptions.
///
/// Errors     `take()` throws Error with the failure's code; `value()` on a failure is a bug and
///            throws kInternal
/// Source     our own; C++20 has no std::expected
#pragma once

#include <utility>
#include <variant>

#include "base/check.h"
#include "base/error.h"

namespace nibble {

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::move(value)) {}  // NOLINT(google-explicit-constructor): `return value;`
  Result(Failure why)
      : state_(std::move(why)) {}  // NOLINT(google-explicit-constructor): `return fail(…);`

  explicit operator bool() const noexcept { return state_.index() == 0; }

  const Failure& failure() const {
    NIBBLE_CHECK(state_.index() == 1, "failure() of a Result that holds a value");
    return std::get<1>(state_);
  }
  T& value() & {
    NIBBLE_CHECK(state_.index() == 0, "value() of a Result that holds a failure");
    return std::get<0>(state_);
  }
  const T& value() const& {
    NIBBLE_CHECK(state_.index() == 0, "value() of a Result that holds a failure");
    return std::get<0>(state_);
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }

  /// The value, or throws Error.
  T take() && {
    if (state_.index() == 1) {
      throw Error(std::get<1>(std::move(state_)));
    }
    return std::get<0>(std::move(state_));
  }

 private:
  std::variant<T, Failure> state_;
};

/// The result of something that yields no value.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Failure why) : why_(std::move(why)), ok_(false) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const noexcept { return ok_; }
  const Failure& failure() const {
    NIBBLE_CHECK(!ok_, "failure() of a Result that holds a value");
    return why_;
  }
  void take() && {
    if (!ok_) {
      throw Error(std::move(why_));
    }
  }

 private:
  Failure why_;
  bool ok_ = true;
};

}  // namespace nibble
