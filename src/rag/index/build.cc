#include "rag/index/build.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "base/cancel.h"
#include "rag/source/source.h"

namespace nibble::rag {
namespace {

/// Documents, and passages, of one transaction.
constexpr std::size_t kBatch = 512;

/// Takes documents into the index, some hundred a transaction.
class Intake {
 public:
  Intake(IndexFile& index, TokenCount count, BuildReport& report)
      : index_(index),
        settings_(ChunkSettings::parse(index.settings().passages).take()),
        count_(count),
        report_(report) {
    index_.begin_run();
    transaction_.emplace(index_.database());
  }

  void take(const Document& document) {
    switch (index_.look_at(document)) {
      case IndexFile::Change::kSame:
        ++report_.n_same;
        break;
      case IndexFile::Change::kNew:
        ++report_.n_new;
        put(document);
        break;
      case IndexFile::Change::kChanged:
        ++report_.n_changed;
        put(document);
        break;
    }
    if (++n_pending_ == kBatch) {
      transaction_->commit();
      transaction_.emplace(index_.database());
      n_pending_ = 0;
    }
  }

  void finish() {
    report_.n_dropped = index_.drop_old();
    transaction_->commit();
    transaction_.reset();
  }

 private:
  /// The title is embedded and counted in front of every passage, so it takes part of the budget.
  void put(const Document& document) {
    const std::size_t title = size_in_budget(document.title, settings_.unit, count_);
    const auto passages = chunk_text(document.text, settings_.beside(title), count_);
    report_.n_empty += passages.empty() ? 1U : 0U;
    index_.put(document, passages);
  }

  IndexFile& index_;
  ChunkSettings settings_;
  TokenCount count_;
  BuildReport& report_;
  std::optional<store::Transaction> transaction_;
  std::size_t n_pending_ = 0;
};

void embed_missing(IndexFile& index,
                   Encoder& encoder,
                   BuildReport& report,
                   ProgressSink& progress) {
  const EmbedCounts before = encoder.counts();
  const std::size_t n_missing = index.counts().n_without_vector;
  progress.begin("embedding passages", n_missing);
  const auto start = std::chrono::steady_clock::now();
  while (report.n_embedded < n_missing) {
    cancel_flag().check();
    const std::vector<Passage> passages = index.without_vector(kBatch);
    NIBBLE_CHECK(!passages.empty(), "embed_missing: the index counts passages that it has not");
    std::vector<std::string> texts;
    for (const Passage& passage : passages) {
      texts.push_back(passage.indexed_text());
    }
    index.set_vectors(passages, encoder.embed(texts, TextKind::kPassage, &progress));
    report.n_embedded += passages.size();
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  progress.end();
  report.encode_seconds = spent.count();
  report.n_cut = encoder.counts().n_cut - before.n_cut;
  report.n_tokens = encoder.counts().n_tokens - before.n_tokens;
}

}  // namespace

BuildReport build_index_of(IndexFile& index,
                           DocumentFeed documents,
                           TokenCount count,
                           Encoder* encoder,
                           ProgressSink& progress,
                           const AnnRequest& ann) {
  BuildReport report;
  check_ann_request(index, ann);  // what no number of passages changes, before they are read
  progress.begin("reading documents", 0);
  Intake intake(index, count, report);
  documents([&](Document&& document) {
    intake.take(document);
    progress.advance(1);
  });
  intake.finish();
  progress.end();
  check_ann_request(index, ann);
  if (encoder != nullptr) {
    embed_missing(index, *encoder, report, progress);
  }
  report.ann = build_ann(index, ann, progress);
  return report;
}

BuildReport build_index(IndexFile& index,
                        const std::filesystem::path& source,
                        TokenCount count,
                        Encoder* encoder,
                        ProgressSink& progress,
                        const AnnRequest& ann) {
  std::vector<std::string> unreadable;
  const auto read = [&](OnDocument on_document) {
    for_each_document(source, on_document, [&](const Failure& why) {
      unreadable.push_back(why.message);
      progress.note(why.message);
    }).take();
  };
  BuildReport report = build_index_of(index, read, count, encoder, progress, ann);
  report.unreadable = std::move(unreadable);
  return report;
}

}  // namespace nibble::rag
