/// What every quantization method promises, checked for each row of the table of methods and each
/// codec that it fills.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "base/checked_math.h"
#include "base/toml.h"
#include "codec/codecs.h"
#include "quant/matrix.h"
#include "quant/recipe.h"
#include "quant/solver.h"

namespace nibble::quant {
namespace {

using ::testing::ElementsAre;

struct Case {
  std::string method;
  std::string codec;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.method << " to " << c.codec;
}

/// A recipe of one method with its default settings.
Recipe recipe_of(const Case& c) {
  return load_recipe(fmt::format("method={},codec={}", c.method, c.codec)).take();
}

/// The method with its default settings.
std::unique_ptr<Solver> solver_of(const SolverRow& method) {
  const TomlDocument empty = TomlDocument::parse("", "no settings").take();
  TomlTable stage = empty.root();
  return method.make(stage);
}

std::vector<Case> all_cases() {
  std::set<std::string> codecs = {"int2g16f", "int4cfh", "int8g64ah", "int5g128sh", "nf4b64dq"};
  for (const codec::CodecRow& row : codec::codec_table()) {
    codecs.insert(row.examples.begin(), row.examples.end());
  }
  std::vector<Case> cases;
  for (const SolverRow& method : solver_table()) {
    const auto solver = solver_of(method);
    for (const std::string& codec : codecs) {
      if (solver->check(*codec::codec_from_name(codec).take())) {
        cases.push_back({std::string(method.name), codec});
      }
    }
  }
  return cases;
}

/// X^T X of inputs that are alike: one on the diagonal, a half beside it.
std::vector<double> second_moment(std::size_t cols) {
  std::vector<double> out(cols * cols, 0.5);
  for (std::size_t k = 0; k < cols; ++k) {
    out[k * cols + k] = 1.0;
  }
  return out;
}

class Method : public ::testing::TestWithParam<Case> {
 protected:
  Recipe recipe_ = recipe_of(GetParam());
  const Solver& solver_ = *recipe_.stages.front().solver;
  std::shared_ptr<const codec::Codec> codec_ = recipe_.stages.front().scheme.default_codec;

  codec::EncodedMatrix solve(const std::vector<float>& w,
                             std::size_t rows,
                             std::size_t n_threads = 1) {
    ThreadPool pool(n_threads);
    const std::size_t cols = rows == 0 ? 256 : w.size() / rows;
    const std::vector<double> moment = second_moment(cols);
    return solver_
        .solve({.weight = {w.data(), rows, cols}, .second_moment = {moment.data(), cols, cols}},
               codec_,
               pool)
        .matrix;
  }
};

std::vector<float> random_weights(std::size_t n) {
  std::mt19937 rng(7);
  std::normal_distribution<float> normal(0.0F, 0.05F);
  std::vector<float> out(n);
  std::ranges::generate(out, [&] { return normal(rng); });
  return out;
}

void expect_equal_parts(const codec::EncodedMatrix& a, const codec::EncodedMatrix& b) {
  ASSERT_EQ(a.parts.size(), b.parts.size());
  for (const codec::Part& part : a.parts) {
    EXPECT_TRUE(std::ranges::equal(part.tensor.bytes(), b.part(part.name)->bytes())) << part.name;
  }
}

TEST(Methods, FillTheCodecsThatTheyAreMadeFor) {
  std::map<std::string, std::vector<std::string>> filled;
  for (const Case& c : all_cases()) {
    filled[c.method].push_back(c.codec);
  }
  for (const SolverRow& method : solver_table()) {
    EXPECT_FALSE(filled[std::string(method.name)].empty()) << method.name;
  }
  EXPECT_THAT(filled["gguf"],
              ElementsAre("iq4_nl",
                          "iq4_xs",
                          "q2_k",
                          "q3_k",
                          "q4_0",
                          "q4_1",
                          "q4_k",
                          "q5_0",
                          "q5_1",
                          "q5_k",
                          "q6_k",
                          "q8_0"));
  EXPECT_THAT(filled["hqq"], ElementsAre("int2g16f", "int3g64fh", "int4cfh"));
  EXPECT_THAT(filled["nearest"],
              ElementsAre("bf16",
                          "f16",
                          "f32",
                          "fp4b64",
                          "fp4b64dq",
                          "int2g16f",
                          "int3g64fh",
                          "int4cfh",
                          "int4g128s",
                          "int4g64a",
                          "int5g128sh",
                          "int5g32ah",
                          "int8cs",
                          "int8g64ah",
                          "nf4b64",
                          "nf4b64dq"));
}

TEST_P(Method, WritesWhatItsCodecAccepts) {
  for (const std::size_t n : {std::size_t{64}, std::size_t{100}, std::size_t{1}}) {
    const std::size_t cols = round_up(n, codec_->cols_unit());
    const auto encoded = solve(random_weights(7 * cols), 7);
    const auto valid = encoded.codec->validate(encoded);
    EXPECT_TRUE(valid) << valid.failure().message;
    EXPECT_EQ(encoded.codec->name(), GetParam().codec);
    EXPECT_EQ(encoded.rows, 7U);
    EXPECT_EQ(encoded.cols, cols);
  }
}

TEST_P(Method, SameBytesForAnyNumberOfThreads) {
  const auto w = random_weights(67 * round_up(200, codec_->cols_unit()));
  expect_equal_parts(solve(w, 67, 1), solve(w, 67, 3));
}

TEST_P(Method, ErrorIsThatOfItsBits) {
  // A two-bit grid of normal weights is off by about a third, each further bit halves that.
  const auto w = random_weights(64 * 256);
  ThreadPool pool(1);
  const auto encoded = solve(w, 64);
  const double bits =
      encoded.codec->grid(encoded) ? static_cast<double>(encoded.codec->grid(encoded)->bits) : 8.0;
  const double error = squared_error({w.data(), 64, 256}, encoded, pool).relative();
  EXPECT_LT(error, 0.75 * std::exp2(2.0 - bits));
}

TEST_P(Method, EmptyAndOneRowInputs) {
  EXPECT_TRUE(solve({}, 0).codec->validate(solve({}, 0)));
  const auto w = random_weights(256);
  EXPECT_EQ(codec::decode_all(solve(w, 1)).size(), 256U);
}

TEST_P(Method, ConstantAndOneSignedRowsStayInReach) {
  constexpr std::size_t kCols = 256;
  std::vector<float> w(3 * kCols, 0.0F);
  std::fill(w.begin() + kCols, w.begin() + 2 * kCols, -0.25F);
  for (std::size_t i = 0; i < kCols; ++i) {
    w[2 * kCols + i] = 0.0025F * static_cast<float>(i + 1);
  }
  // A symmetric grid of a row of one sign reaches half of it (and half a step more), as the
  // reference's does.
  constexpr float kReach[] = {0.0F, 0.65F * 0.25F, 0.65F * 0.64F};
  const auto decoded = codec::decode_all(solve(w, 3));
  for (std::size_t i = 0; i < w.size(); ++i) {
    ASSERT_NEAR(decoded[i], w[i], kReach[i / kCols]) << i;
  }
}

TEST_P(Method, SettingsReadBackAsThemselves) {
  const auto again = parse_recipe("name = \"again\"\n" + recipe_.text, "again");
  ASSERT_TRUE(again) << again.failure().message;
  EXPECT_EQ(again->text, recipe_.text);
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  return info.param.method + "_" + info.param.codec;
}

INSTANTIATE_TEST_SUITE_P(Rows, Method, ::testing::ValuesIn(all_cases()), case_name);

}  // namespace
}  // namespace nibble::quant
