/// The program: parses the command line, runs one command, and turns errors into one message and an
/// exit status.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <new>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/commands.h"
#include "app/exit_code.h"
#include "app/model_names.h"
#include "base/cancel.h"
#include "base/json.h"
#include "base/suggest.h"

namespace nibble::app {
namespace {

volatile std::sig_atomic_t received_signal = 0;

/// The first signal asks for a clean stop; the second ends the process at once.
extern "C" void on_signal(int signal) {
  if (received_signal != 0) {
    std::_Exit(128 + signal);
  }
  received_signal = signal;
  cancel_flag().request();
}

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = &on_signal;
  sigemptyset(&action.sa_mask);
  cancel_flag();  // constructed before a handler can need it
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error that print_out reports
}

int report(const Globals& globals, ErrorCode code, std::string_view message) {
  if (globals.json) {
    const Json error = {{"error", {{"code", error_code_name(code)}, {"message", message}}}};
    std::fputs((dump_json(error) + "\n").c_str(), stderr);
  } else {
    std::fputs(fmt::format("nibble: {}\n", message).c_str(), stderr);
  }
  if (code == ErrorCode::kCancelled && received_signal == SIGTERM) {
    return 128 + SIGTERM;
  }
  return exit_code(code);
}

int run(Invocation& invocation) {
  try {
    return invocation.run();
  } catch (const Error& error) {
    return report(invocation.globals, error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return report(invocation.globals, ErrorCode::kOutOfMemory, "out of memory");
  } catch (const std::exception& error) {
    return report(
        invocation.globals, ErrorCode::kInternal, fmt::format("internal error: {}", error.what()));
  }
}

void add_globals(CLI::App& root, Globals& globals) {
  root.add_flag("--json", globals.json, "Print results (and errors) as JSON");
  root.add_flag("-q,--quiet", globals.quiet, "No progress and no notes on stderr");
  root.add_option("-t,--threads", globals.threads, "Worker threads; 0 means all usable processors")
      ->envname("NIBBLE_THREADS")
      ->check(CLI::Range(0, 1024));
}

/// "unknown command 'quantise' (did you mean 'quantize'?)" instead of the library's list of extras.
std::string usage_message(const CLI::App& root,
                          const CLI::ParseError& error,
                          int argc,
                          char** argv) {
  std::vector<std::string_view> names;
  std::vector<std::string> storage;
  for (const CLI::App* sub : root.get_subcommands({})) {
    storage.push_back(sub->get_name());
  }
  names.assign(storage.begin(), storage.end());
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with('-')) {
      continue;
    }
    if (std::ranges::find(names, word) == names.end()) {
      return fmt::format(
          "unknown command '{}'{}; see nibble --help", word, did_you_mean(word, names));
    }
    return fmt::format("{}; see nibble {} --help", error.what(), word);
  }
  return fmt::format("{}; see nibble --help", error.what());
}

int main(int argc, char** argv) {
  install_signal_handlers();
  CLI::App root(
      "nibble quantizes a language model, runs it, judges it, and advises what to deploy.",
      "nibble");
  root.require_subcommand(1);
  root.fallthrough();
  root.set_version_flag("--version", std::string("nibble ") + NIBBLE_VERSION);
  root.footer(
      "Start with: nibble study FILE.toml    Exit codes: 0 done, 2 usage, 3 input rejected, 4 "
      "memory, 5 I/O, 7 limits not met, 8 other inputs, 9 incomplete, 10 not decidable, 130 "
      "stopped");
  Invocation invocation;
  add_globals(root, invocation.globals);
  for (const AddCommand add : command_table()) {
    add(root, invocation);
  }
  accept_model_names(root);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      std::ostringstream text;
      root.exit(error, text, text);  // --help, --version
      invocation.run = [&text] {
        print_out(text.str());
        return 0;
      };
      return run(invocation);
    }
    return report(
        invocation.globals, ErrorCode::kInvalidArgument, usage_message(root, error, argc, argv));
  }
  return run(invocation);
}

}  // namespace

}  // namespace nibble::app

int main(int argc, char** argv) {
  return nibble::app::main(argc, argv);
}
