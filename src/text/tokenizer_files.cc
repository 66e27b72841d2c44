#include "text/tokenizer_files.h"

#include "base/file.h"

namespace nibble::text {
namespace {

constexpr std::string_view kJson = "tokenizer.json";
constexpr std::string_view kConfig = "tokenizer_config.json";
constexpr std::string_view kNibble = "tokenizer.nibble.json";
constexpr std::string_view kSentencePiece = "tokenizer.model";

bool is_missing(const Result<std::string>& file) {
  return !file && file.failure().code == ErrorCode::kNotFound;
}

std::string join(std::string_view where, std::string_view name) {
  return (std::filesystem::path(where) / name).string();
}

Result<std::unique_ptr<Tokenizer>> from_nibble_json(std::string_view text, std::string_view where) {
  auto spec = spec_from_json(text, where);
  if (!spec) {
    return spec.failure();
  }
  auto tokenizer = make_tokenizer(std::move(*spec));
  return tokenizer ? std::move(tokenizer) : tokenizer.failure().within(where);
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_tokenizer_from_companions(ReadCompanion read,
                                                                  std::string_view where) {
  if (const auto json = read(kJson); !is_missing(json)) {
    const auto config = read(kConfig);
    if (!json || (!config && !is_missing(config))) {
      return json ? config.failure() : json.failure();
    }
    return make_tokenizer_from_json(
        *json, config ? std::string_view(*config) : std::string_view(), join(where, kJson));
  }
  if (const auto spec = read(kNibble); !is_missing(spec)) {
    return spec ? from_nibble_json(*spec, join(where, kNibble)) : spec.failure();
  }
  if (const auto model = read(kSentencePiece); !is_missing(model)) {
    return model ? make_tokenizer_from_sentencepiece(*model, join(where, kSentencePiece))
                 : model.failure();
  }
  return fail(ErrorCode::kNotFound,
              "{}: no tokenizer; wanted {}, {} or {}",
              where,
              kJson,
              kNibble,
              kSentencePiece);
}

Result<std::unique_ptr<Tokenizer>> open_tokenizer(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) {
    return make_tokenizer_from_companions(
        [&](std::string_view name) { return read_text_file(path / name); }, path.string());
  }
  if (path.filename() == kJson) {
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    return make_tokenizer_from_companions(
        [&](std::string_view name) { return read_text_file(folder / name); }, folder.string());
  }
  const auto text = read_text_file(path);
  if (!text) {
    return text.failure();
  }
  return path.extension() == ".json" ? from_nibble_json(*text, path.string())
                                     : make_tokenizer_from_sentencepiece(*text, path.string());
}

}  // namespace nibble::text
