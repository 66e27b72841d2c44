/// The exit status of the program, fixed and documented in docs/guide/exit-codes.md.
#pragma once

#include <span>
#include <string_view>

#include "base/error.h"

namespace nibble::app {

inline constexpr int kDone = 0;
inline constexpr int kFailure = 1;        ///< a bug in nibble
inline constexpr int kUsage = 2;          ///< wrong options or arguments
inline constexpr int kInputRejected = 3;  ///< a file is missing, malformed or not supported
inline constexpr int kNoMemory = 4;       ///< memory or device
inline constexpr int kInputOutput = 5;    ///< disk full, read-only, unreadable
inline constexpr int kLimitsNotMet = 7;   ///< nothing meets the limits that were asked for
inline constexpr int kOtherInputs = 8;    ///< stored results belong to other inputs
inline constexpr int kIncomplete = 9;     ///< parts of a study are missing
inline constexpr int kNotDecidable = 10;  ///< what was measured does not answer the question
inline constexpr int kInterrupted = 130;  ///< stopped cleanly by SIGINT
inline constexpr int kTerminated = 143;   ///< by SIGTERM

int exit_code(ErrorCode code) noexcept;

struct ExitCodeRow {
  int code;
  std::string_view meaning;
};
/// All of them, ascending.
std::span<const ExitCodeRow> exit_code_table();

}  // namespace nibble::app
