#include "study/search/read_retrievers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "base/suggest.h"
#include "codec/codecs.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostCandidates = 1'000'000;
constexpr std::int64_t kMostRescored = 1000;
constexpr double kMostK1 = 100;

/// Keys that mean nothing without an encoder.
constexpr std::array kVectorKeys = std::to_array<std::string_view>(
    {"codec", "arithmetic", "index", "ef_search", "nprobe", "vectors", "rescore"});

std::size_t whole_number(TomlTable& table,
                         std::string_view key,
                         std::size_t otherwise,
                         std::int64_t most) {
  const auto value = table.optional<std::int64_t>(key);
  if (value && (*value < 0 || *value > most)) {
    table.reject(key, fmt::format("expected a whole number from 0 to {}", most));
  }
  return value ? static_cast<std::size_t>(*value) : otherwise;
}

double number_up_to(TomlTable& table, std::string_view key, double otherwise, double most) {
  const auto value = table.optional<double>(key);
  if (value && !(*value >= 0 && *value <= most)) {
    table.reject(key, fmt::format("expected a number from 0 to {}", most));
  }
  return value.value_or(otherwise);
}

/// A codec's name, or "".
std::string codec_name(TomlTable& table, std::string_view key, bool may_be_binary) {
  const std::string name = table.optional<std::string>(key).value_or("");
  if (!name.empty() && !(may_be_binary && name == rag::kBinaryCodec)) {
    if (const auto known = codec::codec_from_name(name); !known) {
      table.reject(key, known.failure().message);
    }
  }
  return name;
}

/// A folder beside the study file, or one where models lie.
fs::path encoder_folder(TomlTable& table, const fs::path& folder, const fs::path& models) {
  const auto name = table.optional<std::string>("encoder");
  if (!name) {
    return {};
  }
  std::error_code unknown;
  const fs::path path = (folder / *name).lexically_normal();
  if (fs::is_directory(path, unknown)) {
    return path;
  }
  const fs::path known = models / *name;
  if (!fs::is_directory(known, unknown)) {
    table.reject("encoder",
                 fmt::format("'{}' is no folder beside the study file, nor in {}; "
                             "scripts/get-encoder fetches all-MiniLM-L6-v2",
                             *name,
                             models.string()));
  }
  return known;
}

rag::SearchMode read_search_mode(TomlTable& table, bool has_encoder) {
  const auto name = table.optional<std::string>("mode");
  if (!name) {
    return has_encoder ? rag::SearchMode::kDense : rag::SearchMode::kBm25;
  }
  const auto mode = rag::search_mode_from_name(*name);
  if (!mode) {
    table.reject("mode", mode.failure().message);
  }
  if (has_encoder && *mode == rag::SearchMode::kBm25) {
    table.reject("encoder", "bm25 searches words and has none");
  }
  if (!has_encoder && *mode != rag::SearchMode::kBm25) {
    table.reject("mode", fmt::format("{} wants encoder = \"FOLDER\" beside it", *name));
  }
  return *mode;
}

Arithmetic read_encoder_arithmetic(TomlTable& table) {
  const std::string name = table.optional<std::string>("arithmetic").value_or("f32");
  const auto mode = arithmetic_from_name(name);
  if (!mode) {
    table.reject("arithmetic", fmt::format("expected {}", kArithmeticNames));
  }
  return *mode;
}

rag::AnnSettings read_index(TomlTable& table) {
  const auto index = rag::AnnSettings::parse(table.optional<std::string>("index").value_or("flat"));
  if (!index) {
    table.reject("index", index.failure().message);
  }
  return *index;
}

void read_vectors(TomlTable& table, rag::SetSearchSettings& out) {
  out.weights = {read_encoder_arithmetic(table), codec_name(table, "codec", false)};
  out.index = read_index(table);
  rag::RetrieverOptions& search = out.search;
  search.codec = codec_name(table, "vectors", true);
  search.rescore = whole_number(table, "rescore", search.rescore, kMostRescored);
  search.ann.ef_search = whole_number(table, "ef_search", 0, kMostCandidates);
  search.ann.n_probes = whole_number(table, "nprobe", 0, kMostCandidates);
  const auto only_of = [&table](std::string_view key, bool fits, std::string_view kind) {
    if (table.has(key) && !fits) {
      table.reject(key, fmt::format("is of an index {}", kind));
    }
  };
  const rag::AnnKind kind = out.index.kind;
  only_of("vectors", kind == rag::AnnKind::kFlat, "flat: the others have codes of their own");
  only_of("ef_search", kind == rag::AnnKind::kHnsw, "hnsw");
  only_of("nprobe", kind == rag::AnnKind::kIvfPq, "ivf-pq");
  only_of("rescore",
          !search.codec.empty() || kind == rag::AnnKind::kIvfPq,
          "ivf-pq, or of vectors in codes; others are exact");
}

RetrieverSpec read_retriever(TomlTable& table, const fs::path& folder, const fs::path& models) {
  RetrieverSpec out{table.required<std::string>("name"), {}};
  rag::SetSearchSettings& settings = out.settings;
  settings.encoder = encoder_folder(table, folder, models);
  const bool has_encoder = !settings.encoder.empty();
  settings.search.mode = read_search_mode(table, has_encoder);
  for (const std::string_view key : kVectorKeys) {
    if (!has_encoder && table.has(key)) {
      table.reject(key, "wants encoder = \"FOLDER\" beside it");
    }
  }
  if (has_encoder) {
    read_vectors(table, settings);
  }
  for (const std::string_view key : {"k1", "b"}) {
    if (settings.search.mode == rag::SearchMode::kDense && table.has(key)) {
      table.reject(key, "is of bm25 and hybrid");
    }
  }
  rag::Bm25Options& bm25 = settings.search.bm25;
  bm25.k1 = number_up_to(table, "k1", bm25.k1, kMostK1);
  bm25.b = number_up_to(table, "b", bm25.b, 1);
  table.finish();
  return out;
}

}  // namespace

std::vector<RetrieverSpec> read_retrievers(TomlTable& root,
                                           const fs::path& folder,
                                           const fs::path& models) {
  std::vector<RetrieverSpec> out;
  for (TomlTable& table : root.tables("retriever")) {
    RetrieverSpec read = read_retriever(table, folder, models);
    if (read.name.empty() || read.name.find('/') != std::string::npos) {
      table.reject("name", "expected a name without a slash");
    }
    for (const RetrieverSpec& other : out) {
      if (other.name == read.name) {
        table.reject("name", fmt::format("there are two retrievers of the name '{}'", read.name));
      }
      if (other.settings.text() == read.settings.text() &&
          other.settings.encoder == read.settings.encoder) {
        table.reject("name", fmt::format("does the same as '{}'", other.name));
      }
    }
    out.push_back(std::move(read));
  }
  return out;
}

std::vector<std::string> read_retriever_names(TomlTable& rag,
                                              std::span<const RetrieverSpec> known) {
  const auto names = rag.optional<std::vector<std::string>>("retriever");
  std::vector<std::string> out;
  for (const std::string& name : names.value_or(std::vector<std::string>{})) {
    if (std::ranges::find(known, name, &RetrieverSpec::name) == known.end()) {
      std::vector<std::string_view> candidates;
      for (const RetrieverSpec& spec : known) {
        candidates.push_back(spec.name);
      }
      rag.reject("retriever",
                 fmt::format("there is no [[retriever]] of the name '{}'{}",
                             name,
                             did_you_mean(name, candidates)));
    }
    if (std::ranges::find(out, name) != out.end()) {
      rag.reject("retriever", fmt::format("'{}' is listed twice", name));
    }
    out.push_back(name);
  }
  if (names && out.empty()) {
    rag.reject("retriever", "expected the name of a [[retriever]]");
  }
  return out;
}

}  // namespace nibble::study
