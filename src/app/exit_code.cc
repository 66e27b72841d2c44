#include "app/exit_code.h"

namespace nibble::app {

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

}  // namespace nibble::app
