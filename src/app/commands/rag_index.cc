/// `nibble rag index`: documents into an index that later runs bring up to date.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/arithmetic_option.h"
#include "app/quantity.h"
#include "app/rag_options.h"
#include "base/json.h"
#include "rag/chunk/token_counter.h"
#include "rag/index/build.h"

namespace nibble::app {
namespace {

struct IndexOptions {
  std::string source;
  std::string index;
  std::string encoder;
  std::string codec;
  std::string passages;  ///< "": tokens:254:32 with an encoder, words:150:30 without
  std::string ann;       ///< "": as the index has it
  std::string memory;    ///< "": any
  Arithmetic arithmetic = Arithmetic::kF32;
};

rag::ChunkSettings passages_of(const IndexOptions& options, const rag::Encoder* encoder) {
  if (options.passages.empty()) {
    if (encoder == nullptr) {
      return {.unit = rag::ChunkUnit::kWords, .budget = 150, .overlap = 30};
    }
    const std::size_t budget = encoder->config().max_tokens - 2;  // beside [CLS] and [SEP]
    return {.unit = rag::ChunkUnit::kTokens, .budget = budget, .overlap = budget / 8};
  }
  const auto out = rag::ChunkSettings::parse(options.passages).take();
  const bool in_words = out.unit == rag::ChunkUnit::kWords || out.unit == rag::ChunkUnit::kWhole;
  if (encoder == nullptr && !in_words) {
    raise(ErrorCode::kInvalidArgument,
          "passages '{}' are measured in the encoder's tokens: give --encoder, or words:N:M",
          options.passages);
  }
  return out;
}

rag::IndexSettings settings_of(const IndexOptions& options, const rag::Encoder* encoder) {
  rag::IndexSettings out{.passages = passages_of(options, encoder).text()};
  if (encoder != nullptr) {
    out.encoder = std::filesystem::canonical(options.encoder).string();
    out.codec = options.codec;
    out.arithmetic = arithmetic_name(options.arithmetic);
    out.encoder_hash = encoder->hash();
    out.dims = encoder->dims();
  }
  return out;
}

Json as_json(const rag::BuildReport& report, const rag::IndexCounts& counts) {
  return {{"documents", counts.n_documents},
          {"passages", counts.n_passages},
          {"new", report.n_new},
          {"changed", report.n_changed},
          {"same", report.n_same},
          {"dropped", report.n_dropped},
          {"empty", report.n_empty},
          {"unreadable", report.unreadable},
          {"embedded", report.n_embedded},
          {"cut", report.n_cut},
          {"tokens", report.n_tokens},
          {"encode_seconds", report.encode_seconds},
          {"index",
           {{"made", report.ann.made},
            {"kept", report.ann.n_kept},
            {"added", report.ann.n_added},
            {"bytes", report.ann.n_bytes},
            {"seconds", report.ann.seconds}}}};
}

std::string as_text(const rag::BuildReport& report, const rag::IndexCounts& counts) {
  std::string out =
      fmt::format("{} documents in {} passages: {} new, {} changed, {} as before, {} dropped\n",
                  counts.n_documents,
                  counts.n_passages,
                  report.n_new,
                  report.n_changed,
                  report.n_same,
                  report.n_dropped);
  if (report.n_embedded > 0) {
    out += fmt::format("{} passages embedded in {:.1f} s: {:.1f} passages/s, {:.0f} tokens/s\n",
                       report.n_embedded,
                       report.encode_seconds,
                       static_cast<double>(report.n_embedded) / report.encode_seconds,
                       static_cast<double>(report.n_tokens) / report.encode_seconds);
  }
  if (report.ann.n_kept + report.ann.n_added > 0) {
    out += fmt::format("{}: {} vectors linked in {:.1f} s, {} as before, {:.1f} MB\n",
                       report.ann.made,
                       report.ann.n_added,
                       report.ann.seconds,
                       report.ann.n_kept,
                       static_cast<double>(report.ann.n_bytes) / 1e6);
  }
  for (const auto& [n, what] :
       {std::pair(report.n_cut, "passages were cut to the length that the encoder takes"),
        std::pair(report.n_empty, "documents have no text"),
        std::pair(report.unreadable.size(), "files could not be read")}) {
    if (n > 0) {
      out += fmt::format("{} {}\n", n, what);
    }
  }
  return out;
}

rag::AnnRequest ann_of(const IndexOptions& options, ThreadPool& pool) {
  rag::AnnRequest out{.pool = &pool};
  if (!options.ann.empty()) {
    out.settings = rag::AnnSettings::parse(options.ann).take();
  }
  if (!options.memory.empty()) {
    out.memory_bytes = parse_bytes(options.memory, "--memory").take();
  }
  return out;
}

/// What is not said about an index that is there already is as it was made.
IndexOptions as_made(IndexOptions options) {
  std::error_code missing;
  const auto n_bytes = std::filesystem::file_size(options.index, missing);
  if (missing || n_bytes == 0 || !options.encoder.empty()) {
    return options;
  }
  const rag::IndexSettings made = rag::IndexFile::open(options.index).settings();
  if (options.passages.empty()) {
    options.passages = made.passages;
  }
  if (!made.encoder.empty()) {
    options.encoder = made.encoder;
    options.codec = made.codec;
    options.arithmetic = arithmetic_from_name(made.arithmetic).value_or(options.arithmetic);
  }
  return options;
}

int run(const IndexOptions& asked, const Globals& globals) {
  const IndexOptions options = as_made(asked);
  const auto progress = make_progress(globals);
  ThreadPool pool(globals.threads);
  const rag::AnnRequest ann = ann_of(options, pool);
  std::unique_ptr<rag::Encoder> encoder;
  if (!options.encoder.empty()) {
    encoder = rag::Encoder::open(options.encoder,
                                 {.arithmetic = options.arithmetic, .codec = options.codec},
                                 pool,
                                 *progress)
                  .take();
  }
  auto index = rag::IndexFile::open_or_create(options.index, settings_of(options, encoder.get()));
  rag::BuildReport report;
  if (encoder != nullptr) {
    rag::TokenCounter counter(encoder->tokenizer());
    report = rag::build_index(index, options.source, counter, encoder.get(), *progress, ann);
  } else {
    const auto one = [](std::string_view) { return std::size_t{1}; };
    report = rag::build_index(index, options.source, one, nullptr, *progress, ann);
  }
  const rag::IndexCounts counts = index.counts();
  print_out(globals.json ? dump_json(as_json(report, counts)) + "\n" : as_text(report, counts));
  return 0;
}

}  // namespace

void add_rag_index(CLI::App& rag, Invocation& invocation) {
  auto options = std::make_shared<IndexOptions>();
  CLI::App* command = rag.add_subcommand(
      "index", "Bring an index up to date with a folder of documents or a file of JSON lines");
  command
      ->add_option("source",
                   options->source,
                   "A folder (text, Markdown, HTML, PDF), or .jsonl with _id, title, text")
      ->required();
  command->add_option("-o,--output", options->index, "The index, a file")->required();
  auto* encoder = command->add_option(
      "--encoder",
      options->encoder,
      "Folder of a BERT encoder; without, as the index was made, words alone at first");
  command
      ->add_option(
          "--encoder-codec",
          options->codec,
          "Codec of the encoder's weights: int8g32s, int4g32a, nf4b64, …; as stored without")
      ->needs(encoder);
  command->add_option(
      "--passages", options->passages, "tokens|words|sentences|paragraphs:SIZE:OVERLAP, or whole");
  command->add_option("--index",
                      options->ann,
                      "How nearest vectors are found: flat, hnsw[:M=16,efConstruction=200], "
                      "ivf-pq[:nlist=…,m=…]; as the index has it, flat at first");
  command->add_option(
      "--memory", options->memory, "Most memory that making hnsw or ivf-pq may take, like 2GB");
  add_arithmetic_option(*command, options->arithmetic);
  command->footer("Example: nibble rag index docs -o docs.rag --encoder all-MiniLM-L6-v2");
  command->callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
