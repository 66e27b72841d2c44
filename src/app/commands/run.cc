#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app/arithmetic_option.h"
#include "app/chat/chat.h"
#include "app/command.h"
#include "app/device_option.h"
#include "app/kv_option.h"
#include "base/json.h"
#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "model/generate.h"
#include "model/load.h"

namespace nibble::app {
namespace {

constexpr std::size_t kUsualTokens = 128;       // of a text that is gone on with
constexpr std::size_t kUsualChatTokens = 1024;  // of an answer

using Clock = std::chrono::steady_clock;

struct Options {
  std::string model;
  std::optional<std::string> prompt{};  ///< none: a chat
  std::string system{};
  std::optional<std::size_t> max_tokens{};
  Arithmetic arithmetic = Arithmetic::kNative;
  std::string device = "cpu";
  std::size_t device_memory = 0;
  const codec::KvScheme* kv = nullptr;
  bool keep_packed = false;
};

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// Prints whole characters as they come and remembers when the first token came.
class Printer final : public model::GenerateListener {
 public:
  Printer(const text::Tokenizer& tokenizer, bool prints)
      : decoder_(tokenizer), prints_(prints), began_(Clock::now()) {}

  void on_token(std::size_t /*index*/, text::TokenId token) override {
    if (n_tokens_++ == 0) {
      first_ = Clock::now();
    }
    print(decoder_.push(token));
  }
  void on_done(std::size_t /*index*/, const model::Generation& /*generation*/) override {
    ended_ = Clock::now();
    print(decoder_.finish() + "\n");
  }

  /// None when no token came.
  [[nodiscard]] std::optional<double> first_token_ms() const {
    return n_tokens_ > 0 ? std::optional(1e3 * seconds_between(began_, first_)) : std::nullopt;
  }
  /// Of the tokens behind the first; none when there are none.
  [[nodiscard]] std::optional<double> decode_tok_s() const {
    const double seconds = seconds_between(first_, ended_);
    return n_tokens_ > 1 && seconds > 0
               ? std::optional(static_cast<double>(n_tokens_ - 1) / seconds)
               : std::nullopt;
  }

 private:
  void print(const std::string& text) const {
    if (prints_ && !text.empty()) {
      print_out(text);
    }
  }

  text::StreamDecoder decoder_;
  bool prints_;
  Clock::time_point began_, first_, ended_;
  std::size_t n_tokens_ = 0;
};

std::string_view reason_name(model::StopReason reason) {
  switch (reason) {
    case model::StopReason::kEndToken:
      return "end_token";
    case model::StopReason::kStopString:
      return "stop_string";
    case model::StopReason::kLimit:
      return "limit";
    case model::StopReason::kNotFinite:
      return "not_finite";
    case model::StopReason::kContext:
      return "context";
  }
  return "";
}

std::string read_prompt(const Options& options) {
  if (*options.prompt != "-") {
    return *options.prompt;
  }
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

Json result_json(const model::Generation& result, std::size_t n_prompt, const Printer& printer) {
  return {{"text", result.text},
          {"ids", result.tokens},
          {"stop_reason", reason_name(result.reason)},
          {"n_prompt_tokens", n_prompt},
          {"n_tokens", result.tokens.size()},
          {"first_token_ms", or_null(printer.first_token_ms())},
          {"decode_tok_s", or_null(printer.decode_tok_s())}};
}

std::string result_text(const model::Generation& result,
                        std::size_t n_prompt,
                        const Printer& printer) {
  std::string text = fmt::format("{} prompt tokens", n_prompt);
  if (const auto ms = printer.first_token_ms()) {
    text += fmt::format(", first token after {:.0f} ms", *ms);
  }
  text += fmt::format("; {} tokens", result.tokens.size());
  if (const auto rate = printer.decode_tok_s()) {
    text += fmt::format(" at {:.1f} tok/s", *rate);
  }
  if (result.reason == model::StopReason::kContext) {
    text += "; the context is full";
  } else if (result.reason == model::StopReason::kNotFinite) {
    text += "; the model gave no finite logits";
  }
  return text;
}

/// The whole prompt, and as many new tokens as the context has room for.
model::GenerateRequest make_request(const Options& options, const model::LoadedModel& loaded) {
  model::GenerateRequest request;
  request.prompt = loaded.tokenizer->encode(read_prompt(options), text::AddSpecial::kYes).take();
  if (request.prompt.empty()) {
    raise(ErrorCode::kInvalidArgument, "--prompt is empty, wanted some text to go on from");
  }
  const std::size_t context = loaded.model->config().context;
  if (request.prompt.size() >= context) {
    raise(ErrorCode::kInvalidArgument,
          "--prompt has {} tokens, wanted fewer than the model's context of {}",
          request.prompt.size(),
          context);
  }
  request.max_tokens =
      std::min(options.max_tokens.value_or(kUsualTokens), context - request.prompt.size());
  return request;
}

/// A chat wants a person at both ends.
void check_chat(const Options& options, const Globals& globals) {
  if (globals.json || isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
    io::open_checkpoint(options.model).take();  // that there is no such model matters more
    raise(ErrorCode::kInvalidArgument,
          "--prompt is required{}; without it run is a chat in a terminal",
          globals.json ? " with --json" : "");
  }
}

int chat(const Options& options, const model::LoadedModel& loaded) {
  ChatSession session(loaded, options.system, options.max_tokens.value_or(kUsualChatTokens));
  print_out("A chat; /help lists the commands, Ctrl-D ends it.\n");
  LineEditor lines;
  run_chat(session, lines);
  return 0;
}

int run(const Options& options, const Globals& globals) {
  if (!options.prompt) {
    check_chat(options, globals);
  }
  const model::LoadOptions load = {.arithmetic = options.arithmetic,
                                   .with_hash = false,
                                   .keep_packed = options.keep_packed,
                                   .device = options.device,
                                   .device_memory = options.device_memory,
                                   .kv = options.kv};
  ThreadPool pool(globals.threads);
  const auto progress = make_progress(globals);
  model::LoadedModel loaded = model::load_model(options.model, load, pool, *progress).take();
  if (!options.prompt) {
    return chat(options, loaded);
  }
  const model::GenerateRequest request = make_request(options, loaded);
  Printer printer(*loaded.tokenizer, !globals.json);
  const auto results = model::generate(
      *loaded.model, *loaded.tokenizer, std::span(&request, 1), model::GenerateOptions{}, printer);
  model::Generation result = results.front();
  if (result.reason == model::StopReason::kLimit &&
      request.max_tokens < options.max_tokens.value_or(kUsualTokens)) {
    result.reason = model::StopReason::kContext;
  }
  const std::size_t n_prompt = request.prompt.size();
  if (globals.json) {
    print_out(dump_json(result_json(result, n_prompt, printer)) + "\n");
  } else {
    progress->note(result_text(result, n_prompt, printer));
  }
  return 0;
}

}  // namespace

void add_run(CLI::App& root, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand(
      "run", "Go on from a prompt, greedily, token by token; without one, chat");
  command->add_option("model", options->model, "A GGUF file or a Hugging Face folder")->required();
  command->add_option("-p,--prompt",
                      options->prompt,
                      "The text to go on from; - reads stdin. Without it: a chat in the terminal");
  command->add_option("--system", options->system, "A chat's system message");
  command
      ->add_option("-n,--max-tokens",
                   options->max_tokens,
                   "Most tokens to generate; default: 128, in a chat 1024 an answer")
      ->check(CLI::Range(std::size_t{1}, kMaxTokens));
  add_arithmetic_option(*command, options->arithmetic);
  add_device_options(*command, options->device, options->device_memory);
  add_kv_option(*command, options->kv);
  command->add_flag("--keep-packed",
                    options->keep_packed,
                    "Keep the packed weights beside the model, and start from them next time");
  command->callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
