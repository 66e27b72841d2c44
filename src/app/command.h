/// How a command joins the program: it adds its sub-command and options, and says what runs when it
/// is chosen.
///
/// One file a command under app/commands/, one row in commands.cc. A command is thin: options in,
/// one call into the library, text out. Results go to stdout (JSON with --json), talk to stderr.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/progress.h"

namespace CLI {
class App;
}

namespace nibble::app {

/// Options that every command has.
struct Globals {
  bool json = false;
  bool quiet = false;
  std::size_t threads = 0;  ///< 0: all processors that the process may use
};

/// What the parsed command line asks for; filled by the chosen command's callback.
struct Invocation {
  Globals globals;
  std::function<int()> run;
};

/// Most tokens that an option may ask for: above the context of any model.
inline constexpr std::size_t kMaxTokens = std::size_t{1} << 24;

using AddCommand = void (*)(CLI::App& root, Invocation& invocation);

/// Progress for a person: a line with an estimate on a terminal, plain lines now and then
/// elsewhere, nothing when quiet.
std::unique_ptr<ProgressSink> make_progress(const Globals& globals);
/// Minutes and seconds, before them hours where there are any: "09:05", "1:02:54".
std::string time_text(std::int64_t seconds);

/// Writes to stdout; throws Error(kIo) when it cannot (a closed pipe, a full disk).
void print_out(std::string_view text);

}  // namespace nibble::app
