/// Runs a Python program that a model wrote, where it can do no harm: bubblewrap with namespaces of
/// its own for users, processes, network, IPC and host name.
///
/// The program sees /usr read-only, its own /proc and /dev, and an empty /tmp in memory; no home,
/// no environment, no network, not one process outside. It is nobody, has no capabilities, and
/// cannot make further user namespaces.
///
///   time       `wall`, then the whole process namespace is killed; half as much again of CPU time
///   memory     `memory_bytes` of address space a process, `file_bytes` in /tmp and of one file
///   processes  at most 8 at a time, threads included; 64 open files
///   output     none is kept
///
/// A program passes when it comes to its end, which it tells through a pipe; ending early with
/// status 0 is no pass. This guards the machine against the program. It does not guard the verdict
/// against a program that reads its own text to forge it.
///
/// Units      bytes, milliseconds
/// Threads    any number of calls at a time
/// Errors     Error(kUnsupported) where there is no sandbox, never a run without it;
///            Error(kIo); Error(kCancelled)
/// Source     our own; bubblewrap 0.8
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nibble::eval {

struct SandboxLimits {
  std::chrono::milliseconds wall{3000};
  std::size_t memory_bytes = std::size_t{512} << 20;
  std::size_t file_bytes = std::size_t{4} << 20;
};

enum class CodeVerdict : std::uint8_t {
  kPassed,
  kFailed,  ///< an exception, a signal, a limit, or an early end
  kTimedOut,
};

/// Why programs cannot be run here; nullopt where they can. Tries it once a process.
std::optional<std::string> sandbox_problem();

CodeVerdict run_in_sandbox(std::string_view program, const SandboxLimits& limits = {});

}  // namespace nibble::eval
