#include "app/rag_options.h"

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "base/utf8.h"

namespace nibble::app {

void add_search_options(CLI::App& command, SearchChoice& choice) {
  command.add_option(
      "--encoder", choice.encoder, "Folder of the index's encoder, where it has moved");
  command.add_option("--mode",
                     choice.mode,
                     "bm25 (words), dense (meaning) or hybrid (both, by reciprocal rank); hybrid "
                     "where the index has vectors");
  rag::RetrieverOptions& options = choice.retriever;
  command.add_option("--k1", options.bm25.k1, "BM25: how soon repetitions of a word stop to count")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command.add_option("--b", options.bm25.b, "BM25: how much long passages are held down, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option(
      "--vectors",
      options.codec,
      "Codec of the vectors in memory: int8g32s, int4g32a, …, binary; all are scored");
  command.add_flag("--exhaustive", options.is_exhaustive, "Score all vectors, whatever the index");
  command
      .add_option("--ef-search",
                  options.ann.ef_search,
                  "hnsw: candidates that are looked at; 0: 64, or as many as are wanted")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command
      .add_option("--nprobe",
                  options.ann.n_probes,
                  "ivf-pq: lists that are read; 0: a sixteenth of them, at least 8")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  command
      .add_option(
          "--rescore",
          options.rescore,
          "Coded vectors, ivf-pq: so many times the wanted passages are scored exactly; 0: none")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
}

void check_question(std::string_view question) {
  if (utf8::strip(question).empty()) {
    raise(ErrorCode::kInvalidArgument, "the question is empty");
  }
  if (const auto at = utf8::first_invalid(question)) {
    raise(ErrorCode::kInvalidArgument, "the question is not UTF-8 at byte {}", *at);
  }
}

OpenedIndex::OpenedIndex(const SearchChoice& choice, const Globals& globals, ProgressSink& progress)
    : pool_(globals.threads), index_(rag::IndexFile::open(choice.index)), mode_(choice.mode) {
  const rag::IndexSettings& settings = index_.settings();
  if (mode_.empty()) {
    mode_ = settings.dims > 0 ? "hybrid" : "bm25";
  }
  rag::RetrieverOptions options = choice.retriever;
  options.mode = rag::search_mode_from_name(mode_).take();
  if (options.mode != rag::SearchMode::kBm25 && settings.dims > 0) {
    const std::string& folder = choice.encoder.empty() ? settings.encoder : choice.encoder;
    const auto arithmetic = arithmetic_from_name(settings.arithmetic);
    if (!arithmetic) {
      raise(ErrorCode::kCorruptData, "{}: arithmetic '{}'", choice.index, settings.arithmetic);
    }
    encoder_ = rag::Encoder::open(
                   folder, {.arithmetic = *arithmetic, .codec = settings.codec}, pool_, progress)
                   .take();
  }
  retriever_ = std::make_unique<rag::Retriever>(index_, options, encoder_.get(), pool_, progress);
}

}  // namespace nibble::app
