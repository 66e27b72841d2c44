#include "quant/calibrate/windows.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <span>

#include "base/hash.h"
#include "data/jsonl.h"
#include "data/text_file.h"
#include "data/wikitext.h"
#include "quant/calibrate/rag_text.h"
#include "quant/recipe.h"

namespace nibble::quant {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPackings[] = {"consecutive", "random", "documents"};
constexpr std::string_view kInputs[] = {"quantized", "original"};
constexpr std::size_t kMaxWindows = std::size_t{1} << 20;
constexpr std::size_t kMaxWindow = std::size_t{1} << 17;

/// A source by name: where it may lie below the data folder.
struct NamedSource {
  std::string_view name;
  std::array<std::string_view, 4> files;
};
constexpr NamedSource kSources[] = {
    {"wikitext2",
     {"wikitext2/wiki.train.raw",
      "wiki.train.raw",
      "wikitext2/wiki.train.head1MB.noblank.raw",
      "wiki.train.head1MB.noblank.raw"}},
    {"rag",
     {"rag.jsonl",
      "rag/rag.jsonl",
      "lost_in_the_middle/nq-open-oracle.jsonl",
      "nq-open-oracle.jsonl"}},
    {"c4", {"c4_sample/c4.utf8", "c4/c4.utf8", "c4.utf8", "c4.jsonl"}},
};

std::vector<std::string> candidates(std::string_view source) {
  const auto row = std::ranges::find(kSources, source, &NamedSource::name);
  if (row == std::end(kSources)) {
    return {std::string(source)};
  }
  std::vector<std::string> out;
  for (const std::string_view file : row->files) {
    out.emplace_back(file);
    out.push_back(std::string(file) + ".gz");
  }
  return out;
}

fs::path find_source(std::string_view source, const fs::path& data) {
  const auto names = candidates(source);
  for (const std::string& name : names) {
    if (std::error_code ignored; fs::is_regular_file(data / name, ignored)) {
      return data / name;
    }
  }
  raise(ErrorCode::kNotFound,
        "calibration text '{}': none of {} lies in {}; name its folder with --data or another "
        "source in the recipe's [calibration]",
        source,
        fmt::join(names, ", "),
        data.empty() ? "." : data.string());
}

/// The documents of a source as tokens.
class Reader {
 public:
  Reader(const text::Tokenizer& tokenizer, std::size_t skip) : tokenizer_(tokenizer), skip_(skip) {}

  /// One list a document; everything is one document unless they are wanted apart.
  std::vector<std::vector<std::int32_t>> read(const fs::path& file, bool apart) {
    if (skip_ > 0 && inner_name(file).extension() != ".jsonl") {
      raise(ErrorCode::kInvalidArgument, "{}: 'skip' leaves out JSON lines only", file.string());
    }
    const fs::path inner = inner_name(file);
    if (inner.extension() == ".jsonl") {
      return read_lines(file, apart);
    }
    if (inner.extension() == ".raw") {
      return {encode(data::wikitext_rows_text(file).take().text)};
    }
    const auto text = data::read_text(file).take().text;
    if (!apart) {
      return {encode(text)};
    }
    std::vector<std::vector<std::int32_t>> out;
    for (const std::string_view line : data::split_lines(text)) {
      out.push_back(encode(line));
    }
    return out;
  }

 private:
  static fs::path inner_name(const fs::path& file) {
    return file.extension() == ".gz" ? file.stem() : file.filename();
  }

  std::vector<std::int32_t> encode(std::string_view text) const {
    return tokenizer_.encode(text, text::AddSpecial::kNo).take();
  }

  std::vector<std::vector<std::int32_t>> read_lines(const fs::path& file, bool apart) const {
    std::vector<std::vector<std::int32_t>> out;
    std::string joined;
    const auto rows = data::read_jsonl(file).take().rows;
    for (std::size_t i = skip_; i < rows.size(); ++i) {
      const auto where = [&] { return fmt::format("{}: record {}", file.string(), i + 1); };
      const Json& row = rows[i];
      if (row.is_object() && row.contains("tokens")) {
        out.push_back(token_list(row.at("tokens"), where()));
      } else if (apart) {
        out.push_back(encode(row_text(row, where())));
      } else {
        joined += (joined.empty() ? "" : "\n\n") + row_text(row, where());
      }
    }
    if (!joined.empty()) {
      out.push_back(encode(joined));
    }
    return out;
  }

  static std::string row_text(const Json& row, const std::string& where) {
    if (is_rag_record(row)) {
      return rag_text(row, where);
    }
    if (!row.is_object() || !row.contains("text") || !row.at("text").is_string()) {
      raise(ErrorCode::kCorruptData,
            "{}: expected \"text\", \"tokens\", or \"question\" and \"passages\"",
            where);
    }
    return row.at("text").get<std::string>();
  }

  std::vector<std::int32_t> token_list(const Json& list, const std::string& where) const {
    std::vector<std::int32_t> out;
    for (const Json& id : list) {
      if (!id.is_number_integer() || id.get<std::int64_t>() < 0 ||
          id.get<std::uint64_t>() >= tokenizer_.vocab_size()) {
        raise(ErrorCode::kCorruptData,
              "{}: tokens: expected numbers from 0 to {}",
              where,
              tokenizer_.vocab_size() - 1);
      }
      out.push_back(id.get<std::int32_t>());
    }
    return out;
  }

  const text::Tokenizer& tokenizer_;
  std::size_t skip_;
};

using Documents = std::vector<std::vector<std::int32_t>>;

void require_tokens(const fs::path& file, std::size_t found, const CalibrationSpec& spec) {
  if (found < spec.n_windows * spec.window) {
    raise(ErrorCode::kCorruptData,
          "{}: {} tokens, the recipe wants {} windows of {}",
          file.string(),
          found,
          spec.n_windows,
          spec.window);
  }
}

/// A number below n; the same on every machine. The bias is below n / 2^64.
std::size_t draw(std::mt19937_64& random, std::size_t n) {
  return static_cast<std::size_t>(random() % n);
}

void append(std::span<const std::int32_t> tokens,
            std::size_t begin,
            std::size_t n,
            std::vector<std::int32_t>& ids) {
  const auto window = tokens.subspan(begin, n);
  ids.insert(ids.end(), window.begin(), window.end());
}

std::vector<std::int32_t> pick(const Documents& documents,
                               const CalibrationSpec& spec,
                               const fs::path& file) {
  std::mt19937_64 random(spec.seed);
  std::vector<std::int32_t> ids;
  if (spec.packing == Packing::kDocuments) {
    std::vector<const std::vector<std::int32_t>*> long_enough;
    for (const auto& document : documents) {
      if (document.size() >= spec.window) {
        long_enough.push_back(&document);
      }
    }
    require_tokens(file, long_enough.size() * spec.window, spec);
    for (std::size_t i = 0; i < spec.n_windows; ++i) {
      std::swap(long_enough[i], long_enough[i + draw(random, long_enough.size() - i)]);
      const auto& document = *long_enough[i];
      append(document, draw(random, document.size() - spec.window + 1), spec.window, ids);
    }
    return ids;
  }
  std::vector<std::int32_t> all;
  for (const auto& document : documents) {
    all.insert(all.end(), document.begin(), document.end());
  }
  require_tokens(file, all.size(), spec);
  for (std::size_t i = 0; i < spec.n_windows; ++i) {
    const bool is_random = spec.packing == Packing::kRandom;
    append(all,
           is_random ? draw(random, all.size() - spec.window + 1) : i * spec.window,
           spec.window,
           ids);
  }
  return ids;
}

template <class E, std::size_t N>
E read_choice(TomlTable& table, std::string_view key, const std::string_view (&names)[N], E usual) {
  const auto name = table.optional<std::string>(key);
  if (!name) {
    return usual;
  }
  const auto found = std::ranges::find(names, *name);
  if (found == std::end(names)) {
    table.reject(
        key, fmt::format("'{}' is not known, expected one of: {}", *name, fmt::join(names, ", ")));
  }
  return static_cast<E>(found - std::begin(names));
}

std::size_t read_count(TomlTable& table,
                       std::string_view key,
                       std::size_t usual,
                       std::size_t most) {
  const auto value = table.optional<std::int64_t>(key);
  if (!value) {
    return usual;
  }
  if (*value < 1 || static_cast<std::uint64_t>(*value) > most) {
    table.reject(key, fmt::format("expected 1 to {}", most));
  }
  return static_cast<std::size_t>(*value);
}

}  // namespace

CalibrationSpec read_calibration(TomlTable& table) {
  CalibrationSpec out;
  out.source = table.optional<std::string>("source").value_or(out.source);
  if (out.source.empty()) {
    table.reject("source", "must not be empty");
  }
  out.packing = read_choice(table, "packing", kPackings, out.packing);
  out.n_windows = read_count(table, "windows", out.n_windows, kMaxWindows);
  out.window = read_count(table, "window_tokens", out.window, kMaxWindow);
  const auto seed = table.optional<std::int64_t>("seed").value_or(0);
  if (seed < 0) {
    table.reject("seed", "expected a number from 0");
  }
  out.seed = static_cast<std::uint64_t>(seed);
  const auto skip = table.optional<std::int64_t>("skip").value_or(0);
  if (skip < 0) {
    table.reject("skip", "expected a number from 0");
  }
  out.skip = static_cast<std::size_t>(skip);
  out.inputs = read_choice(table, "inputs", kInputs, out.inputs);
  table.finish();
  return out;
}

std::string calibration_text(const CalibrationSpec& spec) {
  return fmt::format(
      "[calibration]\nsource = {}\npacking = \"{}\"\nwindows = {}\nwindow_tokens = {}\nseed = {}\n"
      "inputs = \"{}\"\n{}",
      toml_text(spec.source),
      kPackings[static_cast<std::size_t>(spec.packing)],
      spec.n_windows,
      spec.window,
      spec.seed,
      kInputs[static_cast<std::size_t>(spec.inputs)],
      spec.skip == 0 ? "" : fmt::format("skip = {}\n", spec.skip));
}

Result<CalibrationWindows> make_windows(const CalibrationSpec& spec,
                                        const fs::path& data,
                                        const text::Tokenizer& tokenizer) {
  try {
    CalibrationWindows out;
    out.file = find_source(spec.source, data);
    const bool apart = spec.packing == Packing::kDocuments;
    out.ids = pick(Reader(tokenizer, spec.skip).read(out.file, apart), spec, out.file);
    out.n_windows = spec.n_windows;
    out.window = spec.window;
    Sha256 hash;
    hash.bytes(std::as_bytes(std::span(out.ids)));
    out.sha256 = hash.hex();
    return out;
  } catch (const Error& error) {
    return error.failure();
  }
}

}  // namespace nibble::quant
