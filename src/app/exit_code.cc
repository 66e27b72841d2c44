#include "app/exit_code.h"

#include <array>

namespace nibble::app {
namespace {

constexpr std::array kExitCodes = {
    ExitCodeRow{kDone, "done"},
    ExitCodeRow{kFailure, "a bug in nibble"},
    ExitCodeRow{kUsage, "usage: wrong options or arguments, an output that exists already"},
    ExitCodeRow{kInputRejected, "input rejected: missing, malformed or not supported"},
    ExitCodeRow{kNoMemory, "no memory, or a device reported an error"},
    ExitCodeRow{kInputOutput, "input/output: disk full, read-only, in use, no answer"},
    ExitCodeRow{kLimitsNotMet, "limits not met: every variant fails one"},
    ExitCodeRow{kOtherInputs, "other inputs: stored results belong to others than those given"},
    ExitCodeRow{kIncomplete, "incomplete: parts of a study are missing"},
    ExitCodeRow{kNotDecidable, "not decidable: what was measured does not answer the question"},
    ExitCodeRow{kInterrupted, "stopped cleanly by Ctrl-C; run the same command to go on"},
    ExitCodeRow{kTerminated, "stopped cleanly by SIGTERM, likewise"},
};

}  // namespace

int exit_code(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return kUsage;
    case ErrorCode::kNotFound:
    case ErrorCode::kCorruptData:
    case ErrorCode::kUnsupported:
    case ErrorCode::kShapeMismatch:
      return kInputRejected;
    case ErrorCode::kOutOfMemory:
    case ErrorCode::kDevice:
      return kNoMemory;
    case ErrorCode::kIo:
      return kInputOutput;
    case ErrorCode::kMismatch:
      return kOtherInputs;
    case ErrorCode::kCancelled:
      return kInterrupted;
    case ErrorCode::kInternal:
      return kFailure;
  }
  return kFailure;
}

std::span<const ExitCodeRow> exit_code_table() {
  return kExitCodes;
}

}  // namespace nibble::app
