/// Checks for bugs in nibble itself; never for user input.
///
/// `NIBBLE_CHECK(condition, "what")` is always on and throws Error(kInternal); `NIBBLE_ASSERT` only
/// in debug builds.
#pragma once

#include "base/error.h"

#define NIBBLE_CHECK(condition, what)                                                         \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      ::nibble::raise(::nibble::ErrorCode::kInternal, "{}:{}: {}", __FILE__, __LINE__, what); \
    }                                                                                         \
  } while (false)

#ifdef NDEBUG
#define NIBBLE_ASSERT(condition, what) static_cast<void>(0)
#else
#define NIBBLE_ASSERT(condition, what) NIBBLE_CHECK(condition, what)
#endif
