/// Tests that run once for each instruction set, forced by NIBBLE_ISA (cmake: nibble_tests ISA).
#pragma once

#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/select.h"

namespace nibble::testing {

/// False where this processor lacks the forced set.
inline bool forced_isa_runs_here() {
  try {
    kernels::kernels();
    return true;
  } catch (const Error& error) {
    return error.code() != ErrorCode::kUnsupported;
  }
}

}  // namespace nibble::testing

#define NIBBLE_NEEDS_ISA()                                      \
  if (!::nibble::testing::forced_isa_runs_here()) {             \
    GTEST_SKIP() << "this processor lacks the instruction set"; \
  }                                                             \
  static_assert(true, "")
