#include "quant/solve/gguf.h"

#include <gmock/gmock.h>

#include <cmath>

#include "codec/gguf_blocks.h"
#include "quant/recipe.h"
#include "support/quant_golden.h"

namespace nibble::quant {
namespace {

using nibble::testing::GoldenTensor;
using nibble::testing::GoldenTensors;
using nibble::testing::quant_golden;
using ::testing::HasSubstr;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

/// "c.Q4_K.imat.bytes": which weights, which type, with importance or not.
struct Case {
  std::string name, weights, type;
  bool has_importance = false;
};

std::vector<Case> cases_of(const GoldenTensors& golden) {
  std::vector<Case> out;
  for (const std::string& name : golden.names()) {
    if (name.ends_with(".bytes")) {
      const std::size_t dot = name.find('.');
      const std::size_t end = name.find('.', dot + 1);
      out.push_back({name,
                     name.substr(0, dot),
                     lower(name.substr(dot + 1, end - dot - 1)),
                     name.find(".imat.") != std::string::npos});
    }
  }
  return out;
}

codec::EncodedMatrix as_matrix(const GoldenTensor& bytes, const codec::EncodedMatrix& like) {
  const std::vector<std::uint8_t> raw(bytes.values.begin(), bytes.values.end());
  return codec::block_matrix(std::dynamic_pointer_cast<const codec::BlockCodec>(like.codec),
                             like.rows,
                             like.cols,
                             Tensor::from<std::uint8_t>(DType::kU8, bytes.shape, raw));
}

double error_of(MatrixView<const float> w,
                std::span<const float> importance,
                const codec::EncodedMatrix& matrix) {
  const std::vector<float> decoded = codec::decode_all(matrix);
  double sum = 0;
  for (std::size_t i = 0; i < decoded.size(); ++i) {
    const double d = decoded[i] - w(i / w.cols, i % w.cols);
    const double weight = importance.empty() ? 1.0F : importance[i % w.cols];
    sum += d * d * weight;
  }
  return sum;
}

double equal_share(const codec::EncodedMatrix& a, const codec::EncodedMatrix& b) {
  const auto x = a.parts.front().tensor.as<std::uint8_t>();
  const auto y = b.parts.front().tensor.as<std::uint8_t>();
  std::size_t n = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    n += x[i] == y[i] ? 1 : 0;
  }
  return static_cast<double>(n) / static_cast<double>(x.size());
}

bool is_exact(const Case& c) {
  return !c.has_importance && (c.type.ends_with("_0") || c.type.ends_with("_1"));
}

class GgufGolden {
 public:
  GgufGolden(const std::filesystem::path& golden, const std::filesystem::path& inputs)
      : golden_(golden), inputs_(inputs) {}

  [[nodiscard]] const GoldenTensors& golden() const { return golden_; }

  void compare(const Case& c) {
    SCOPED_TRACE(c.name);
    const GoldenTensor& bytes = golden_.at(c.name);
    const auto w = weights(c.weights, bytes.rows());
    std::span<const float> importance;
    if (c.has_importance) {
      importance = golden_.at(c.weights + ".imatrix").values;
    }
    const auto got = encode_gguf(w, importance, codec::gguf_block_codec(c.type), pool_);
    const auto expected = as_matrix(bytes, got);
    ::testing::Test::RecordProperty(c.name, std::to_string(equal_share(got, expected)));
    if (is_exact(c)) {
      EXPECT_EQ(equal_share(got, expected), 1.0);
      return;
    }
    EXPECT_GE(equal_share(got, expected), 0.98);
    EXPECT_LE(error_of(w, importance, got), 1.002 * error_of(w, importance, expected));
  }

 private:
  MatrixView<const float> weights(const std::string& name, std::size_t rows) const {
    return nibble::testing::matrix(name == "c" ? inputs_.at("W.c") : golden_.at(name + ".W"), rows);
  }

  GoldenTensors golden_, inputs_;
  ThreadPool pool_{2};
};

TEST(Gguf, FillsEveryTypeAsGgmlDoes) {
  NIBBLE_NEEDS_FILE(path, quant_golden("gguf.safetensors"));
  NIBBLE_NEEDS_FILE(inputs, quant_golden("inputs.safetensors"));
  GgufGolden golden(path, inputs);
  const auto cases = cases_of(golden.golden());
  EXPECT_GE(cases.size(), 30U);  // twelve types with and without importance, six on ragged rows
  for (const Case& c : cases) {
    golden.compare(c);
  }
}

codec::EncodedMatrix encode(const std::vector<float>& w,
                            std::string_view type,
                            const std::vector<float>& importance = {}) {
  ThreadPool pool(1);
  return encode_gguf({w.data(), 1, w.size()}, importance, codec::gguf_block_codec(type), pool);
}

TEST(Gguf, SymmetricBlocksPutThePeakOnTheirLongSide) {
  std::vector<float> w(32, 0.0F);
  w[0] = 4.0F;   // the peak: d = -0.5
  w[1] = -3.5F;  // the other end
  w[2] = 0.3F;   // 0.3 / -0.5 + 8.5 = 7.9
  const auto decoded = codec::decode_all(encode(w, "q4_0"));
  EXPECT_EQ(decoded[0], 4.0F);
  EXPECT_EQ(decoded[1], -3.5F);
  EXPECT_EQ(decoded[2], 0.5F);
  EXPECT_EQ(decoded[3], 0.0F);
}

TEST(Gguf, ImportantWeightsAreStoredBetter) {
  std::vector<float> w(256);
  std::vector<float> importance(256, 0.01F);
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] = std::sin(static_cast<float>(i * i));
    importance[i] = i % 8 == 0 ? 100.0F : 0.01F;
  }
  const MatrixView<const float> view(w.data(), 1, 256);
  for (const std::string_view type :
       {"q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k", "q4_k", "iq4_nl"}) {
    SCOPED_TRACE(type);
    EXPECT_LT(error_of(view, importance, encode(w, type, importance)),
              0.8 * error_of(view, importance, encode(w, type)));
  }
}

TEST(Gguf, BlocksOfZerosDecodeToZeros) {
  for (const std::string_view type : codec::gguf_block_names()) {
    SCOPED_TRACE(type);
    const std::vector<float> zeros(256, 0.0F);
    EXPECT_THAT(codec::decode_all(encode(zeros, type)), ::testing::Each(0.0F));
    EXPECT_THAT(codec::decode_all(encode(zeros, type, std::vector<float>(256, 1.0F))),
                ::testing::Each(0.0F));
  }
}

TEST(Gguf, WantsImportanceOnlyWhereTheStageSaysSo) {
  EXPECT_FALSE(load_recipe("method=gguf,codec=q4_k").take().stages.front().needs.any());
  const auto weighted = load_recipe("method=gguf,codec=q4_k,importance=mean_square").take();
  EXPECT_TRUE(weighted.stages.front().needs.mean_square);
  EXPECT_TRUE(weighted.calibration.has_value());
}

TEST(Gguf, RefusesOtherCodecsAndUnknownSettings) {
  EXPECT_THAT(load_recipe("method=gguf,codec=int4g64a").failure().message,
              HasSubstr("method 'gguf' cannot write codec 'int4g64a'"));
  EXPECT_THAT(load_recipe("method=gguf,codec=q4_k,importance=much").failure().message,
              HasSubstr("expected \"none\", \"mean_square\" or a file"));
}

}  // namespace
}  // namespace nibble::quant
