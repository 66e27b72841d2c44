/// Another program, run to its end.
///
/// Threads    any; the child gets no signal mask and no descriptor of ours but 0, 1 and 2
/// Errors     kNotFound where there is no such program; kIo
/// Source     posix_spawnp(3)
#pragma once

#include <span>
#include <string>

#include "base/result.h"

namespace nibble {

struct ProcessResult {
  int status = 0;  ///< exit status; 128 + signal where a signal ended it
  std::string out, err;
};

/// The first argument is the program, looked for along PATH. Its standard input is empty.
Result<ProcessResult> run_process(std::span<const std::string> arguments);

}  // namespace nibble
