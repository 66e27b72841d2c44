#include "rag/search/dense.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "codec/codecs.h"
#include "codec/dense.h"
#include "quant/solve/nearest.h"

namespace nibble::rag {
namespace {

/// Questions that share one pass over the vectors.
constexpr std::size_t kQuestions = 32;

codec::EncodedMatrix encode(MatrixView<const float> vectors,
                            const std::string& codec_name,
                            ThreadPool& pool) {
  if (codec_name.empty()) {
    const std::span<const float> values(vectors.data, vectors.rows * vectors.cols);
    return codec::dense_matrix(Tensor::from(DType::kF32, {vectors.rows, vectors.cols}, values));
  }
  const auto codec = codec::codec_from_name(codec_name).take();
  auto settings = TomlDocument::parse("", "index").take();
  TomlTable stage = settings.root();
  const auto nearest = quant::make_nearest(stage);
  nearest->check(*codec).take();
  return nearest->solve({.weight = vectors}, codec, pool).matrix;
}

class FlatIndex final : public DenseIndex {
 public:
  FlatIndex(MatrixView<const float> vectors, const std::string& codec, ThreadPool& pool)
      : pool_(pool),
        is_exact_(codec.empty()),
        layer_(ops::Linear::make(encode(vectors, codec, pool),
                                 {},
                                 codec.empty() ? Arithmetic::kF32 : Arithmetic::kNative,
                                 pool)) {}

  std::vector<std::vector<Hit>> search(MatrixView<const float> questions,
                                       std::size_t k) const override {
    std::vector<std::vector<Hit>> out(questions.rows);
    const std::size_t n = layer_.rows();
    std::vector<float> scores(std::min(kQuestions, questions.rows) * n);
    for (std::size_t first = 0; first < questions.rows; first += kQuestions) {
      const auto some = questions.rows_from(first, std::min(kQuestions, questions.rows - first));
      const MatrixView<float> found(scores.data(), some.rows, n);
      layer_.apply(some, found, pool_);
      pool_.run(some.rows, [&](std::size_t i, std::size_t /*worker*/) {
        out[first + i] = best_of(std::span<const float>(found.row(i), n), k);
      });
    }
    return out;
  }

  bool is_exact() const noexcept override { return is_exact_; }
  std::size_t n_bytes() const noexcept override { return layer_.packed_bytes(); }

 private:
  ThreadPool& pool_;
  bool is_exact_;
  ops::Linear layer_;
};

using Word = std::uint64_t;
constexpr std::size_t kWordBits = 64;

/// Bit i: x[i] > 0.
void pack_signs(std::span<const float> x, Word* out) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    out[i / kWordBits] |= Word{x[i] > 0.0F} << (i % kWordBits);
  }
}

class BinaryIndex final : public DenseIndex {
 public:
  BinaryIndex(MatrixView<const float> vectors, ThreadPool& pool)
      : pool_(pool),
        dims_(vectors.cols),
        n_words_((vectors.cols + kWordBits - 1) / kWordBits),
        codes_(vectors.rows * n_words_) {
    for (std::size_t i = 0; i < vectors.rows; ++i) {
      pack_signs(vectors.row_span(i), codes_.data() + i * n_words_);
    }
  }

  std::vector<std::vector<Hit>> search(MatrixView<const float> questions,
                                       std::size_t k) const override {
    std::vector<std::vector<Hit>> out(questions.rows);
    const std::size_t n = codes_.size() / n_words_;
    pool_.run(questions.rows, [&](std::size_t q, std::size_t /*worker*/) {
      std::vector<Word> question(n_words_);
      pack_signs(questions.row_span(q), question.data());
      std::vector<float> scores(n);
      for (std::size_t i = 0; i < n; ++i) {
        int differing = 0;
        for (std::size_t w = 0; w < n_words_; ++w) {
          differing += std::popcount(codes_[i * n_words_ + w] ^ question[w]);
        }
        scores[i] = static_cast<float>(dims_) - 2.0F * static_cast<float>(differing);
      }
      out[q] = best_of(std::span<const float>(scores), k);
    });
    return out;
  }

  bool is_exact() const noexcept override { return false; }
  std::size_t n_bytes() const noexcept override { return codes_.size() * sizeof(Word); }

 private:
  ThreadPool& pool_;
  std::size_t dims_;
  std::size_t n_words_;
  std::vector<Word> codes_;
};

}  // namespace

std::unique_ptr<DenseIndex> make_flat_index(MatrixView<const float> vectors,
                                            const std::string& codec,
                                            ThreadPool& pool) {
  if (codec == kBinaryCodec) {
    return std::make_unique<BinaryIndex>(vectors, pool);
  }
  return std::make_unique<FlatIndex>(vectors, codec, pool);
}

std::vector<Hit> rescore(std::span<const float> question,
                         std::vector<Hit> hits,
                         std::size_t k,
                         const ExactVector& exact) {
  for (Hit& hit : hits) {
    const std::vector<float> vector = exact(hit.item);
    hit.score = std::inner_product(question.begin(), question.end(), vector.begin(), 0.0);
  }
  keep_best(hits, k);
  return hits;
}

}  // namespace nibble::rag
