#include "model/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "base/cancel.h"
#include "support/files.h"
#include "unit/model/kv_tables.h"
#include "unit/model/model_runs.h"
#include "unit/model/tiny_model.h"

namespace nibble::model {
namespace {

using testing::Logits;
using testing::max_difference;
using testing::TestModel;
using testing::tiny_folder;
using testing::Tokens;

/// Kernels of other tile widths add in another order; logits reach 30.
constexpr double kNoise = 1e-4;

/// Tokens of no meaning: 3 … 94.
Tokens some_tokens(std::size_t n, std::int32_t seed = 7) {
  Tokens out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = 3 + (seed * static_cast<std::int32_t>(i + 1) * 31) % 92;
  }
  return out;
}

class DecoderOfEachFamily : public ::testing::TestWithParam<const char*> {
 protected:
  TestModel tiny_{tiny_folder(GetParam())};
};

TEST_P(DecoderOfEachFamily, PiecesOfAPromptGiveTheLogitsOfTheWhole) {
  const Tokens tokens = some_tokens(150);
  const Logits whole = tiny_.run_all(tokens);
  for (const std::size_t chunk : {1U, 7U, 64U}) {
    EXPECT_LE(max_difference(tiny_.run_all(tokens, chunk).values, whole.values), kNoise) << chunk;
  }
}

TEST_P(DecoderOfEachFamily, CodedKeysAndValuesDoNotDependOnPieces) {
  const Tokens tokens = some_tokens(200);
  const ModelConfig& config = tiny_.model().config();
  const Logits floats = tiny_.run_all(tokens);
  for (const codec::KvScheme& scheme : codec::kv_schemes()) {
    KvSetup setup = kv_setup(scheme, Arithmetic::kF32);
    if (scheme.needs_tables()) {
      setup.tables = std::make_shared<KvTableList>(testing::flat_tables(config, scheme.keys.bits));
    }
    if (scheme.is_coded() && config.head_dim % 16 != 0) {
      continue;
    }
    tiny_.model().set_kv(setup);
    const Logits whole = tiny_.run_all(tokens);
    EXPECT_LE(max_difference(tiny_.run_all(tokens, 33).values, whole.values), kNoise)
        << scheme.name;
    EXPECT_LE(max_difference(whole.row(0), floats.row(0)), scheme.n_sinks > 0 ? kNoise : 3.0)
        << scheme.name;
  }
}

TEST_P(DecoderOfEachFamily, PackedSequencesDoNotSeeEachOther) {
  const std::vector<Tokens> prompts = {some_tokens(70, 3), some_tokens(1, 5), some_tokens(33, 11)};
  KvCache cache = tiny_.cache();
  std::vector<SequenceChunk> chunks;
  for (const Tokens& prompt : prompts) {
    chunks.push_back({cache.create(), prompt});
  }
  const std::vector<std::uint32_t> last = {69, 70, 103};
  const Logits packed = tiny_.run(cache, chunks, last);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const Logits alone = tiny_.run_all(prompts[i]);
    EXPECT_LE(max_difference(packed.row(i), alone.row(alone.rows() - 1)), kNoise) << i;
  }
}

TEST_P(DecoderOfEachFamily, WantedRowsAreThoseOfAFullPass) {
  const Tokens a = some_tokens(20, 3);
  const Tokens b = some_tokens(9, 5);
  const Logits all_a = tiny_.run_all(a);
  const Logits all_b = tiny_.run_all(b);
  KvCache cache = tiny_.cache();
  const std::vector<SequenceChunk> chunks = {{cache.create(), a}, {cache.create(), b}};
  // Rows 4, 5 and 19 of the first, 0 and 8 of the second sequence.
  const std::vector<std::uint32_t> wanted = {4, 5, 19, 20, 28};
  const Logits some = tiny_.run(cache, chunks, wanted);
  EXPECT_LE(max_difference(some.row(0), all_a.row(4)), kNoise);
  EXPECT_LE(max_difference(some.row(1), all_a.row(5)), kNoise);
  EXPECT_LE(max_difference(some.row(2), all_a.row(19)), kNoise);
  EXPECT_LE(max_difference(some.row(3), all_b.row(0)), kNoise);
  EXPECT_LE(max_difference(some.row(4), all_b.row(8)), kNoise);
}

TEST_P(DecoderOfEachFamily, APassThatWantsNothingFillsTheCache) {
  const Tokens tokens = some_tokens(40);
  KvCache cache = tiny_.cache();
  const SequenceId sequence = cache.create();
  const SequenceChunk front{sequence, std::span(tokens).first(39)};
  EXPECT_TRUE(tiny_.run(cache, std::span(&front, 1), {}).values.empty());
  const Logits whole = tiny_.run_all(tokens);
  EXPECT_LE(max_difference(tiny_.next(cache, sequence, {tokens.back()}), whole.row(39)), kNoise);
}

TEST_P(DecoderOfEachFamily, AForkGoesOnAsIfItHadBeenComputed) {
  const Tokens prompt = some_tokens(100);
  KvCache cache = tiny_.cache();
  const SequenceId parent = cache.create();
  tiny_.next(cache, parent, prompt);
  const SequenceId child = cache.fork(parent, 70);  // inside the second page
  const Tokens rest = some_tokens(30, 13);
  const auto forked = tiny_.next(cache, child, rest);
  tiny_.next(cache, parent, {5});  // the parent goes on, too

  Tokens whole(prompt.begin(), prompt.begin() + 70);
  whole.insert(whole.end(), rest.begin(), rest.end());
  const Logits recomputed = tiny_.run_all(whole);
  EXPECT_LE(max_difference(forked, recomputed.row(recomputed.rows() - 1)), kNoise);

  Tokens parent_tokens = prompt;
  parent_tokens.push_back(5);
  cache.truncate(parent, 100);
  const Logits expected = tiny_.run_all(parent_tokens);
  EXPECT_LE(max_difference(tiny_.next(cache, parent, {5}), expected.row(100)), kNoise);
}

TEST_P(DecoderOfEachFamily, NativeArithmeticComesNearTheReference) {
  TestModel native(tiny_folder(GetParam()), Arithmetic::kNative);
  const Tokens tokens = some_tokens(40);
  const Logits exact = tiny_.run_all(tokens);
  const Logits fast = native.run_all(tokens);
  double sum_of_squares = 0;
  double difference = 0;
  for (std::size_t i = 0; i < exact.values.size(); ++i) {
    const double x = exact.values[i];
    sum_of_squares += x * x;
    const double error = x - static_cast<double>(fast.values[i]);
    difference += error * error;
  }
  EXPECT_LE(difference, 0.03 * 0.03 * sum_of_squares);
  EXPECT_GT(difference, 0.0);
}

INSTANTIATE_TEST_SUITE_P(
    Families,
    DecoderOfEachFamily,
    ::testing::Values("llama3-scaled", "mistral-window", "qwen2", "qwen3", "gemma3"),
    [](const auto& test) {
      std::string name = test.param;
      std::ranges::replace(name, '-', '_');
      return name;
    });

class DecoderErrors : public ::testing::Test {
 protected:
  ErrorCode code_of(std::span<const SequenceChunk> chunks,
                    const std::vector<std::uint32_t>& wanted) {
    try {
      tiny_.run(cache_, chunks, wanted);
    } catch (const Error& error) {
      message_ = error.what();
      return error.code();
    }
    return ErrorCode::kInternal;
  }

  TestModel tiny_{tiny_folder("qwen3")};
  KvCache cache_ = tiny_.cache();
  SequenceId sequence_ = cache_.create();
  Tokens tokens_ = some_tokens(5);
  std::string message_;
};

TEST_F(DecoderErrors, ATokenOutsideTheVocabularyIsNamed) {
  const Tokens bad = {3, 96};
  const SequenceChunk chunk{sequence_, bad};
  EXPECT_EQ(code_of(std::span(&chunk, 1), {}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(message_, "token 96 is outside the vocabulary of 96");
  EXPECT_EQ(cache_.length(sequence_), 0U);
}

TEST_F(DecoderErrors, WantedRowsMustAscendInsideTheBatch) {
  const SequenceChunk chunk{sequence_, tokens_};
  EXPECT_EQ(code_of(std::span(&chunk, 1), {3, 3}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of(std::span(&chunk, 1), {5}), ErrorCode::kInvalidArgument);
}

TEST_F(DecoderErrors, ASequenceGivenTwiceIsRefused) {
  const std::vector<SequenceChunk> chunks = {{sequence_, tokens_}, {sequence_, tokens_}};
  EXPECT_EQ(code_of(chunks, {}), ErrorCode::kInvalidArgument);
}

TEST_F(DecoderErrors, AFullCacheLeavesAllSequencesAsTheyWere) {
  const std::size_t page =
      kPageTokens * KvCache::bytes_per_token(tiny_.model().config(), DType::kF32);
  cache_ = tiny_.model().make_cache(page);
  const std::vector<SequenceChunk> chunks = {{cache_.create(), tokens_},
                                             {cache_.create(), tokens_}};
  EXPECT_EQ(code_of(chunks, {}), ErrorCode::kOutOfMemory);
  EXPECT_EQ(cache_.length(chunks[0].sequence), 0U);
  EXPECT_EQ(cache_.bytes_in_use(), 0U);
}

TEST(Decoder, CountsItsPackedWeights) {
  TestModel tiny(tiny_folder("qwen3"));
  // float32 panels hold at least the linear layers' values; all weights together bound them
  // loosely.
  const std::size_t n_bytes = tiny.model().weight_bytes();
  EXPECT_GT(n_bytes, tiny.model().config().n_parameters() * 3);
  EXPECT_LT(n_bytes, tiny.model().config().n_parameters() * 8);
}

TEST(Decoder, DemoModelDoesNotDependOnHowItsPromptIsCut) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  TestModel model(path);
  Tokens tokens(90);
  std::iota(tokens.begin(), tokens.end(), 1000);
  const Logits whole = model.run_all(tokens);
  EXPECT_LE(max_difference(model.run_all(tokens, 7).values, whole.values), 1e-4);
}

}  // namespace
}  // namespace nibble::model
