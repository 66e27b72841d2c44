#include "rag/search/retriever.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "base/cancel.h"
#include "base/error.h"
#include "base/suggest.h"
#include "rag/index/ann_store.h"

namespace nibble::rag {
namespace {

constexpr std::array<std::string_view, 3> kModes = {"bm25", "dense", "hybrid"};

}  // namespace

Result<SearchMode> search_mode_from_name(std::string_view name) {
  const auto found = std::ranges::find(kModes, name);
  if (found == kModes.end()) {
    return fail(ErrorCode::kInvalidArgument,
                "mode '{}': expected bm25, dense or hybrid{}",
                name,
                did_you_mean(name, kModes));
  }
  return static_cast<SearchMode>(found - kModes.begin());
}

std::string_view search_mode_name(SearchMode mode) noexcept {
  return kModes[static_cast<std::size_t>(mode)];
}

Retriever::Retriever(IndexFile& index,
                     const RetrieverOptions& options,
                     Encoder* encoder,
                     ThreadPool& pool,
                     ProgressSink& progress)
    : index_(index), options_(options), encoder_(encoder), bm25_(options.bm25) {
  if (options_.mode != SearchMode::kBm25) {
    check_encoder();
  }
  load(pool, progress);
}

void Retriever::check_encoder() const {
  const std::string path = index_.database().path().string();
  const IndexSettings& settings = index_.settings();
  if (settings.dims == 0) {
    raise(ErrorCode::kInvalidArgument,
          "{}: made without an encoder, it has no vectors; search it with bm25",
          path);
  }
  if (encoder_ == nullptr) {
    raise(ErrorCode::kInvalidArgument, "{}: a search by meaning wants the index's encoder", path);
  }
  if (encoder_->hash() != settings.encoder_hash) {
    raise(
        ErrorCode::kMismatch,
        "{}: its vectors are of another encoder, codec, arithmetic or revision of nibble's numbers "
        "(made by {}) than those given ({}); nibble rag index makes a new index",
        path,
        settings.encoder,
        encoder_->config().name);
  }
  const std::size_t n_missing = index_.counts().n_without_vector;
  if (n_missing > 0) {
    raise(ErrorCode::kUnsupported,
          "{}: {} passages have no vector yet; run nibble rag index again to finish it",
          path,
          n_missing);
  }
}

void Retriever::load(ThreadPool& pool, ProgressSink& progress) {
  const bool wants_words = options_.mode != SearchMode::kDense;
  const bool wants_vectors = options_.mode != SearchMode::kBm25;
  const IndexCounts counts = index_.counts();
  progress.begin("opening the index", counts.n_passages);
  std::vector<float> vectors;
  if (wants_vectors) {
    vectors.reserve(counts.n_passages * index_.settings().dims);
  }
  index_.for_each([&](Passage&& passage, std::span<const float> vector) {
    cancel_flag().check();
    ids_.push_back(passage.id);
    if (names_.empty() || names_.back() != passage.document) {
      names_.push_back(passage.document);
    }
    documents_.push_back(static_cast<std::uint32_t>(names_.size() - 1));
    if (wants_words) {
      bm25_.add(passage.indexed_text());
    }
    if (wants_vectors) {
      vectors.insert(vectors.end(), vector.begin(), vector.end());
    }
    progress.advance(1);
  });
  if (wants_vectors && !ids_.empty()) {
    const MatrixView<const float> view(vectors.data(), ids_.size(), index_.settings().dims);
    dense_ = open_dense(view, pool);
  }
  progress.end();
}

std::unique_ptr<DenseIndex> Retriever::open_dense(MatrixView<const float> vectors,
                                                  ThreadPool& pool) {
  const bool wants_ann = options_.codec.empty() && !options_.is_exhaustive;
  const AnnRecord record = wants_ann ? read_ann_record(index_) : AnnRecord{};
  if (record.made.kind == AnnKind::kFlat) {
    return make_flat_index(vectors, options_.codec, pool);
  }
  VectorsHash hash;
  for (std::size_t i = 0; i < vectors.rows; ++i) {
    hash.add(vectors.row_span(i));
  }
  if (record.n != vectors.rows || record.vectors_hash != hash.hex()) {
    raise(ErrorCode::kUnsupported,
          "{}: its index {} is of {} vectors other than its {} passages have; run nibble rag index "
          "again to finish it, or search with --exhaustive",
          index_.database().path().string(),
          record.made.text(),
          record.n,
          vectors.rows);
  }
  std::unique_ptr<AnnIndex> out;
  try {
    out = read_ann(index_, record, vectors.rows, pool);
  } catch (const Error& error) {
    throw Error(
        {error.code(),
         fmt::format("{}; run nibble rag index again, or search with --exhaustive", error.what())});
  }
  out->add(vectors);
  out->set_search(options_.ann);
  ann_ = record.made.text();
  return out;
}

std::vector<Hit> Retriever::by_words(const std::string& question, std::size_t k) const {
  std::vector<double> scores(bm25_.size());
  bm25_.score(question, scores);
  return best_of(scores, k, 0.0);
}

std::vector<std::vector<Hit>> Retriever::by_meaning(std::span<const std::string> questions,
                                                    std::size_t k) {
  if (dense_ == nullptr) {
    return std::vector<std::vector<Hit>>(questions.size());
  }
  const std::vector<float> vectors = encoder_->embed(questions, TextKind::kQuery);
  const MatrixView<const float> view(vectors.data(), questions.size(), encoder_->dims());
  const bool is_coded = !dense_->is_exact() && options_.rescore > 0;
  auto found = dense_->search(view, is_coded ? k * options_.rescore : k);
  for (std::size_t i = 0; is_coded && i < found.size(); ++i) {
    found[i] = rescore(view.row_span(i), std::move(found[i]), k, [this](std::uint32_t item) {
      return index_.vector(ids_[item]);
    });
  }
  return found;
}

std::vector<std::vector<Hit>> Retriever::search(std::span<const std::string> questions,
                                                std::size_t k) {
  const std::size_t depth =
      options_.mode == SearchMode::kHybrid ? std::max(k, options_.fusion_depth) : k;
  std::vector<std::vector<Hit>> out(questions.size());
  if (options_.mode != SearchMode::kBm25) {
    out = by_meaning(questions, depth);
  }
  for (std::size_t i = 0; i < questions.size() && options_.mode != SearchMode::kDense; ++i) {
    cancel_flag().check();
    std::vector<Hit> words = by_words(questions[i], depth);
    if (options_.mode == SearchMode::kBm25) {
      out[i] = std::move(words);
    } else {
      const std::array<std::vector<Hit>, 2> both = {std::move(words), std::move(out[i])};
      out[i] = fuse_by_rank(both, k);
    }
  }
  return out;
}

std::vector<std::vector<Hit>> Retriever::search_documents(std::span<const std::string> questions,
                                                          std::size_t k) {
  // A document may have many passages: deepen until enough documents are there or all are seen.
  std::size_t depth = names_.size() == ids_.size() ? k : k * 4;
  for (;;) {
    std::vector<std::vector<Hit>> found = search(questions, depth);
    bool enough = true;
    for (std::vector<Hit>& hits : found) {
      const bool exhausted = hits.size() < depth;
      std::unordered_set<std::uint32_t> seen;
      std::erase_if(hits,
                    [&](const Hit& hit) { return !seen.insert(documents_[hit.item]).second; });
      enough = enough && (exhausted || hits.size() >= k);
    }
    if (enough || depth >= ids_.size()) {
      for (std::vector<Hit>& hits : found) {
        hits.resize(std::min(k, hits.size()));
      }
      return found;
    }
    depth = std::min(depth * 4, ids_.size());
  }
}

}  // namespace nibble::rag
