/// `nibble tokenize`: text to token ids and back, one JSON object a line.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "base/cancel.h"
#include "base/file.h"
#include "base/json.h"
#include "io/checkpoint.h"
#include "model/load.h"
#include "text/tokenizer_files.h"

namespace nibble::app {
namespace {

struct TokenizeOptions {
  std::string model;
  std::string input;
  std::optional<std::string> text;
  bool decode = false;
  bool add_special = false;
  bool skip_special = false;
};

std::unique_ptr<text::Tokenizer> load(const std::filesystem::path& path) {
  return path.extension() == ".gguf"
             ? model::load_tokenizer(*io::open_checkpoint(path).take()).take()
             : text::open_tokenizer(path).take();
}

/// One field of a line, or an Error that says where it was wanted.
template <class T>
T field(const Json& line, const char* key, std::string_view wanted) {
  if (!line.is_object() || !line.contains(key)) {
    raise(ErrorCode::kCorruptData, "expected {{\"{}\": {}}}", key, wanted);
  }
  try {
    return line.at(key).get<T>();
  } catch (const nlohmann::json::exception&) {
    raise(ErrorCode::kCorruptData, "\"{}\": expected {}", key, wanted);
  }
}

std::vector<text::TokenId> ids_of(const Json& line) {
  std::vector<text::TokenId> ids;
  for (const Json& id : field<std::vector<Json>>(line, "ids", "[integers]")) {
    if (!id.is_number_integer()) {
      raise(ErrorCode::kCorruptData, "\"ids\": expected [integers], found {}", dump_json(id));
    }
    if (id < 0 || id > std::numeric_limits<text::TokenId>::max()) {
      raise(ErrorCode::kCorruptData, "token id {} is outside the vocabulary", dump_json(id));
    }
    ids.push_back(id.get<text::TokenId>());
  }
  return ids;
}

Json convert(const text::Tokenizer& tokenizer, const TokenizeOptions& options, const Json& line) {
  if (options.decode) {
    const auto skip = options.skip_special ? text::SkipSpecial::kYes : text::SkipSpecial::kNo;
    return {{"text", tokenizer.decode(ids_of(line), skip).take()}};
  }
  const auto add = options.add_special ? text::AddSpecial::kYes : text::AddSpecial::kNo;
  const auto source = field<std::string>(line, "text", "\"…\"");
  return {{"ids", tokenizer.encode(source, add).take()}};
}

std::string read_all_input(const TokenizeOptions& options) {
  if (!options.input.empty()) {
    return read_text_or_gzip(options.input).take();
  }
  return {std::istreambuf_iterator<char>(std::cin), {}};
}

int run(const TokenizeOptions& options) {
  const auto tokenizer = load(options.model);
  if (options.text) {
    print_out(dump_json(convert(*tokenizer, options, {{"text", *options.text}})) + "\n");
    return 0;
  }
  const std::string where = options.input.empty() ? "standard input" : options.input;
  std::string out;
  constexpr std::size_t kWriteAt = std::size_t{1} << 20;
  const auto done = for_each_json_line(
      read_all_input(options), where, [&](Json&& line, std::size_t number) -> Result<void> {
        cancel_flag().check();
        try {
          out += dump_json(convert(*tokenizer, options, line)) + "\n";
        } catch (const Error& error) {
          // Whatever a line asks for in vain, the line is at fault and not an option.
          const ErrorCode code =
              error.code() == ErrorCode::kInvalidArgument ? ErrorCode::kCorruptData : error.code();
          return fail(code, "{}:{}: {}", where, number, error.what());
        }
        if (out.size() >= kWriteAt) {
          print_out(out);
          out.clear();
        }
        return {};
      });
  print_out(out);  // the lines before a bad one stand
  Result<void>(done).take();
  return 0;
}

}  // namespace

void add_tokenize(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand(
      "tokenize", "Text to token ids: reads {\"text\"} lines, writes {\"ids\"} lines");
  auto options = std::make_shared<TokenizeOptions>();
  command
      ->add_option("model",
                   options->model,
                   "A .gguf file, a folder, a tokenizer.json or a SentencePiece model")
      ->required();
  auto* input = command->add_option("--input", options->input, "Read lines from FILE (also .gz)");
  auto* text = command->add_option("--text", options->text, "Encode this text and nothing else");
  auto* decode = command->add_flag(
      "--decode", options->decode, "Reads {\"ids\"} lines, writes {\"text\"} lines");
  auto* add = command->add_flag("--add-special",
                                options->add_special,
                                "Add what the model expects around a text, such as BOS");
  auto* skip =
      command->add_flag("--skip-special", options->skip_special, "Leave out special tokens");
  text->excludes(input)->excludes(decode);
  add->excludes(decode);
  skip->needs(decode);
  command->callback(
      [&invocation, options] { invocation.run = [options] { return run(*options); }; });
}

}  // namespace nibble::app
