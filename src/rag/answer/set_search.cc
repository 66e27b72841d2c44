#include "rag/answer/set_search.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "base/check.h"
#include "rag/index/ann_store.h"

namespace nibble::rag {
namespace {

IndexSettings index_settings_of(const SetSearchSettings& settings, const Encoder* encoder) {
  IndexSettings out{.passages = "whole"};
  if (encoder != nullptr) {
    out.encoder = settings.encoder.string();
    out.codec = settings.weights.codec;
    out.arithmetic = arithmetic_name(settings.weights.arithmetic);
    out.encoder_hash = encoder->hash();
    out.dims = encoder->dims();
  }
  return out;
}

std::size_t passage_number(const std::string& name) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), out);
  NIBBLE_CHECK(error == std::errc() && end == name.data() + name.size(),
               "a document of a set's index is no number");
  return out;
}

std::string candidates_text(const RetrieverOptions& search) {
  std::string out;
  if (search.ann.ef_search > 0) {
    out += fmt::format(", {} candidates", search.ann.ef_search);
  }
  if (search.ann.n_probes > 0) {
    out += fmt::format(", {} lists", search.ann.n_probes);
  }
  return out;
}

}  // namespace

std::string SetSearchSettings::text() const {
  std::string out(search_mode_name(search.mode));
  if (search.mode != SearchMode::kDense) {
    out += fmt::format(" (k1 {}, b {})", search.bm25.k1, search.bm25.b);
  }
  if (search.mode == SearchMode::kBm25) {
    return out;
  }
  const std::string name =
      (encoder.has_filename() ? encoder : encoder.parent_path()).filename().string();
  out += fmt::format(" by {}{} ({} arithmetic), index {}",
                     name,
                     weights.codec.empty() ? "" : " in " + weights.codec,
                     arithmetic_name(weights.arithmetic),
                     index.text());
  if (!search.codec.empty()) {
    out += fmt::format(", vectors in {}", search.codec);
  }
  const bool is_rescored = !search.codec.empty() || index.kind == AnnKind::kIvfPq;
  if (is_rescored) {
    out += search.rescore > 0 ? fmt::format(", {} times as many rescored", search.rescore)
                              : std::string(", not rescored");
  }
  return out + candidates_text(search);
}

SetSearch::SetSearch(const QuestionSet& set,
                     const SetSearchSettings& settings,
                     const std::filesystem::path& file,
                     ThreadPool& pool,
                     ProgressSink& progress) {
  if (settings.search.mode != SearchMode::kBm25) {
    encoder_ = Encoder::open(settings.encoder, settings.weights, pool, progress).take();
  }
  const bool is_new = !std::filesystem::exists(file);
  index_ = std::make_unique<IndexFile>(
      IndexFile::open_or_create(file, index_settings_of(settings, encoder_.get())));
  const auto start = std::chrono::steady_clock::now();
  bring_up_to_date(set, settings, pool, progress);
  if (is_new) {
    build_seconds_ =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  retriever_ =
      std::make_unique<Retriever>(*index_, settings.search, encoder_.get(), pool, progress);
}

void SetSearch::bring_up_to_date(const QuestionSet& set,
                                 const SetSearchSettings& settings,
                                 ThreadPool& pool,
                                 ProgressSink& progress) {
  const auto passages = [&set](OnDocument on_document) {
    for (std::size_t i = 0; i < set.passages.size(); ++i) {
      on_document({fmt::format("{}", i), set.passages[i].title, set.passages[i].text});
    }
  };
  const auto one = [](std::string_view) { return std::size_t{1}; };
  const AnnRequest ann{.settings = settings.index, .pool = &pool};
  report_ = build_index_of(*index_, passages, one, encoder_.get(), progress, ann);
  const IndexCounts counts = index_->counts();
  const std::size_t vector_bytes = index_->settings().dims * sizeof(float);
  stored_bytes_ = counts.n_passages * vector_bytes + read_ann_record(*index_).n_bytes;
}

std::vector<std::size_t> SetSearch::find(const std::string& question, std::size_t k) {
  const auto hits = retriever_->search({&question, 1}, k);
  std::vector<std::size_t> out;
  for (const Hit& hit : hits.front()) {
    out.push_back(passage_number(retriever_->document(hit.item)));
  }
  return out;
}

std::optional<std::size_t> SetSearch::encoder_bytes() const {
  return encoder_ != nullptr ? std::optional(encoder_->bert().n_bytes()) : std::nullopt;
}

}  // namespace nibble::rag
