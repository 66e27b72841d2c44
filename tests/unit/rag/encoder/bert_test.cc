// The walk against a plain one in float64, written from the formulas.
#include "rag/encoder/bert.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "support/golden_tensors.h"
#include "unit/rag/tiny_encoder.h"

namespace nibble::rag {
namespace {

using ::nibble::testing::GoldenTensor;
using ::nibble::testing::GoldenTensors;
using testing::TinyEncoder;
using Matrix = std::vector<std::vector<double>>;

class PlainBert {
 public:
  explicit PlainBert(const std::filesystem::path& folder)
      : tensors_(folder / "model.safetensors") {}

  Matrix encode(const std::vector<std::int32_t>& ids) const {
    Matrix x;
    for (std::size_t p = 0; p < ids.size(); ++p) {
      x.emplace_back();
      for (std::size_t c = 0; c < TinyEncoder::kDims; ++c) {
        x[p].push_back(
            at("embeddings.word_embeddings.weight", static_cast<std::size_t>(ids[p]), c) +
            at("embeddings.position_embeddings.weight", p, c) +
            at("embeddings.token_type_embeddings.weight", 0, c));
      }
    }
    norm("embeddings.LayerNorm", x);
    for (const std::string layer : {"encoder.layer.0.", "encoder.layer.1."}) {
      add(linear(layer + "attention.output.dense", attend(layer, x)), x);
      norm(layer + "attention.output.LayerNorm", x);
      Matrix inner = linear(layer + "intermediate.dense", x);
      for (auto& row : inner) {
        for (double& value : row) {
          value = 0.5 * value * (1.0 + std::erf(value / std::sqrt(2.0)));
        }
      }
      add(linear(layer + "output.dense", inner), x);
      norm(layer + "output.LayerNorm", x);
    }
    return x;
  }

 private:
  double at(const std::string& name, std::size_t row, std::size_t col) const {
    const GoldenTensor& tensor = tensors_.at(name);
    return tensor.values[row * tensor.cols() + col];
  }
  Matrix linear(const std::string& stem, const Matrix& x) const {
    const std::size_t rows = tensors_.at(stem + ".bias").values.size();
    Matrix y(x.size(), std::vector<double>(rows));
    for (std::size_t t = 0; t < x.size(); ++t) {
      for (std::size_t r = 0; r < rows; ++r) {
        y[t][r] = at(stem + ".bias", 0, r);
        for (std::size_t c = 0; c < x[t].size(); ++c) {
          y[t][r] += at(stem + ".weight", r, c) * x[t][c];
        }
      }
    }
    return y;
  }
  void norm(const std::string& stem, Matrix& x) const {
    for (auto& row : x) {
      const auto n = static_cast<double>(row.size());
      double mean = 0.0, variance = 0.0;
      for (const double value : row) {
        mean += value / n;
      }
      for (const double value : row) {
        variance += (value - mean) * (value - mean) / n;
      }
      for (std::size_t c = 0; c < row.size(); ++c) {
        row[c] = (row[c] - mean) / std::sqrt(variance + 1e-12) * at(stem + ".weight", 0, c) +
                 at(stem + ".bias", 0, c);
      }
    }
  }
  static void add(const Matrix& branch, Matrix& x) {
    for (std::size_t t = 0; t < x.size(); ++t) {
      for (std::size_t c = 0; c < x[t].size(); ++c) {
        x[t][c] += branch[t][c];
      }
    }
  }
  Matrix attend(const std::string& layer, const Matrix& x) const {
    const Matrix q = linear(layer + "attention.self.query", x);
    const Matrix k = linear(layer + "attention.self.key", x);
    const Matrix v = linear(layer + "attention.self.value", x);
    Matrix out(x.size(), std::vector<double>(TinyEncoder::kDims));
    for (std::size_t t = 0; t < x.size(); ++t) {
      for (std::size_t first = 0; first < TinyEncoder::kDims; first += 16) {
        std::vector<double> weights;
        double total = 0.0;
        for (const auto& key : k) {
          double score = 0.0;
          for (std::size_t d = first; d < first + 16; ++d) {
            score += q[t][d] * key[d];
          }
          weights.push_back(std::exp(score / 4.0));
          total += weights.back();
        }
        for (std::size_t j = 0; j < x.size(); ++j) {
          for (std::size_t d = first; d < first + 16; ++d) {
            out[t][d] += weights[j] / total * v[j][d];
          }
        }
      }
    }
    return out;
  }

  GoldenTensors tensors_;
};

class BertTest : public ::testing::Test {
 protected:
  Bert open(const BertOptions& options) {
    const auto checkpoint = io::open_checkpoint(encoder_.path()).take();
    return {
        *checkpoint, read_encoder_config(*checkpoint).take(), options, pool_, silent_progress()};
  }
  TinyEncoder encoder_;
  ThreadPool pool_{2};
};

const std::vector<std::int32_t> kIds = {1, 4, 9, 33, 40, 2, 1, 5, 2, 1, 2};
const std::vector<std::size_t> kLengths = {6, 3, 2};

/// The largest difference of the states of the three texts to the plain walk.
double largest_error(const MatrixView<const float>& states, const PlainBert& plain) {
  double worst = 0.0;
  std::size_t row = 0;
  for (const std::size_t n : kLengths) {
    const auto begin = kIds.begin() + static_cast<std::ptrdiff_t>(row);
    for (const auto& wanted : plain.encode({begin, begin + static_cast<std::ptrdiff_t>(n)})) {
      for (std::size_t c = 0; c < wanted.size(); ++c) {
        worst = std::max(worst, std::fabs(double{states(row, c)} - wanted[c]));
      }
      ++row;
    }
  }
  return worst;
}

TEST_F(BertTest, AgreesWithAPlainWalkForPackedTexts) {
  Bert bert = open({});
  EXPECT_LT(largest_error(bert.encode(kIds, kLengths), PlainBert(encoder_.path())), 5e-6);
}

TEST_F(BertTest, FewerBitsAreFurtherAwayAndSmaller) {
  const PlainBert plain(encoder_.path());
  Bert exact = open({});
  Bert eight = open({.arithmetic = Arithmetic::kNative, .codec = "int8g32s"});
  Bert four = open({.arithmetic = Arithmetic::kNative, .codec = "int4g32a"});
  const double error8 = largest_error(eight.encode(kIds, kLengths), plain);
  const double error4 = largest_error(four.encode(kIds, kLengths), plain);
  EXPECT_GT(error8, 1e-5);
  EXPECT_LT(error8, 0.1);
  EXPECT_GT(error4, error8);
  EXPECT_LT(error4, 1.0);
  EXPECT_LT(four.n_bytes(), eight.n_bytes());
  EXPECT_LT(eight.n_bytes(), exact.n_bytes());
}

TEST_F(BertTest, ReadsWeightsWithThePrefixOfATask) {
  Bert plain = open({});
  const auto states = plain.encode(kIds, kLengths);
  const std::vector<float> wanted(states.data, states.data + states.rows * states.cols);
  const std::string file = nibble::testing::read_file(encoder_.path() / "model.safetensors");
  std::uint64_t n_header = 0;
  std::memcpy(&n_header, file.data(), sizeof n_header);
  std::string header = file.substr(8, n_header);
  const std::string data = file.substr(8 + n_header);
  for (const std::string name : {"\"embeddings.", "\"encoder."}) {
    for (std::size_t at = 0; (at = header.find(name, at)) != std::string::npos; at += 6) {
      header.insert(at + 1, "bert.");
    }
  }
  header.resize((header.size() + 7) / 8 * 8, ' ');
  n_header = header.size();
  std::string length(8, '\0');
  std::memcpy(length.data(), &n_header, sizeof n_header);
  nibble::testing::write_file(encoder_.path() / "model.safetensors", length + header + data);
  Bert prefixed = open({});
  const auto again = prefixed.encode(kIds, kLengths);
  EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), again.data));
}

TEST_F(BertTest, RefusesIdsAndLengthsThatDoNotFit) {
  Bert bert = open({});
  const std::vector<std::size_t> one = {1};
  for (const std::int32_t id : {-1, 58}) {
    const std::vector<std::int32_t> ids = {id};
    EXPECT_THROW(bert.encode(ids, one), Error) << id;
  }
  EXPECT_THROW(bert.encode(kIds, one), Error);
  const std::vector<std::int32_t> many(41, 4);
  const std::vector<std::size_t> length = {41};
  EXPECT_THROW(bert.encode(many, length), Error);
}

TEST_F(BertTest, RefusesACodecThatDoesNotExist) {
  EXPECT_THROW(open({.codec = "int4g33x"}), Error);
}

}  // namespace
}  // namespace nibble::rag
