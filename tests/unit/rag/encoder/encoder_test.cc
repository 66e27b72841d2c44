#include "rag/encoder/encoder.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/json.h"
#include "support/encoder.h"
#include "unit/rag/tiny_encoder.h"

namespace nibble::rag {
namespace {

using ::testing::Each;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using testing::TinyEncoder;

class EncoderTest : public ::testing::Test {
 protected:
  std::unique_ptr<Encoder> open(const std::filesystem::path& folder, BertOptions options = {}) {
    return Encoder::open(folder, options, pool_, silent_progress()).take();
  }
  ThreadPool pool_{2};
};

std::vector<float> row(const std::vector<float>& all, std::size_t i, std::size_t dims) {
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(i * dims);
  return {begin, begin + static_cast<std::ptrdiff_t>(dims)};
}

TEST_F(EncoderTest, PoolsTheMeanOfAllTokensAndNormalizes) {
  const TinyEncoder folder;
  const auto encoder = open(folder.path());
  const std::vector<std::string> texts = {"cat dog"};
  const auto vector = encoder->embed(texts, TextKind::kPassage);
  const auto checkpoint = io::open_checkpoint(folder.path()).take();
  Bert bert(*checkpoint, encoder->config(), {}, pool_, silent_progress());
  const std::vector<std::int32_t> ids = {TinyEncoder::kCls, 4, 5, TinyEncoder::kSep};
  const std::vector<std::size_t> lengths = {4};
  const auto states = bert.encode(ids, lengths);
  std::vector<double> mean(TinyEncoder::kDims);
  for (std::size_t c = 0; c < mean.size(); ++c) {
    mean[c] = (double{states(0, c)} + double{states(1, c)} + double{states(2, c)} +
               double{states(3, c)}) /
              4.0;
  }
  const double norm = std::sqrt(std::inner_product(mean.begin(), mean.end(), mean.begin(), 0.0));
  for (std::size_t c = 0; c < mean.size(); ++c) {
    EXPECT_NEAR(vector[c], mean[c] / norm, 1e-6);
  }
}

TEST_F(EncoderTest, PoolsTheFirstTokenWhereTheFolderSaysSo) {
  const TinyEncoder folder("cls");
  const auto encoder = open(folder.path());
  const std::vector<std::string> texts = {"cat"};
  const auto vector = encoder->embed(texts, TextKind::kPassage);
  const auto checkpoint = io::open_checkpoint(folder.path()).take();
  Bert bert(*checkpoint, encoder->config(), {}, pool_, silent_progress());
  const std::vector<std::int32_t> ids = {TinyEncoder::kCls, 4, TinyEncoder::kSep};
  const std::vector<std::size_t> lengths = {3};
  const auto states = bert.encode(ids, lengths);
  double norm = 0.0;
  for (std::size_t c = 0; c < TinyEncoder::kDims; ++c) {
    norm += double{states(0, c)} * double{states(0, c)};
  }
  EXPECT_NEAR(vector[5], double{states(0, 5)} / std::sqrt(norm), 1e-6);
}

TEST_F(EncoderTest, OrderAndCompanyDoNotMatter) {
  const TinyEncoder folder;
  const auto encoder = open(folder.path());
  std::vector<std::string> texts;
  for (int i = 0; i < 400; ++i) {  // several batches
    std::string text = "cat";
    for (int word = 0; word < i % 13; ++word) {
      text += std::string(" ") + static_cast<char>('a' + (i * 7 + word) % 26);
    }
    texts.push_back(text);
  }
  const auto all = encoder->embed(texts, TextKind::kPassage);
  for (const std::size_t i : {0UL, 12UL, 255UL, 399UL}) {
    const std::vector<std::string> one = {texts[i]};
    EXPECT_THAT(row(all, i, encoder->dims()),
                Pointwise(FloatNear(1e-6F), encoder->embed(one, TextKind::kPassage)))
        << i;
  }
}

TEST_F(EncoderTest, CutsLongTextsAndCountsThem) {
  const TinyEncoder folder;
  const auto encoder = open(folder.path());
  const std::string fourteen = "a b c d e f g h i j k l m n";  // and [CLS], [SEP]: 16
  const std::vector<std::string> texts = {fourteen, fourteen + " o p", "a"};
  const auto vectors = encoder->embed(texts, TextKind::kPassage);
  EXPECT_EQ(row(vectors, 0, 32), row(vectors, 1, 32));
  EXPECT_EQ(encoder->counts().n_cut, 1U);
  EXPECT_EQ(encoder->counts().n_tokens, 16U + 16U + 3U);
}

TEST_F(EncoderTest, PutsThePrefixOfItsKindInFront) {
  const TinyEncoder folder;
  nibble::testing::write_file(folder.path() / "config_sentence_transformers.json",
                              R"({"prompts": {"query": "dog "}})");
  const auto encoder = open(folder.path());
  const std::vector<std::string> texts = {"cat"};
  const std::vector<std::string> with = {"dog cat"};
  EXPECT_EQ(encoder->embed(texts, TextKind::kQuery), encoder->embed(with, TextKind::kPassage));
  EXPECT_NE(encoder->embed(texts, TextKind::kPassage), encoder->embed(with, TextKind::kPassage));
}

TEST_F(EncoderTest, NamesTheTextThatIsNotUtf8) {
  const TinyEncoder folder;
  const auto encoder = open(folder.path());
  const std::vector<std::string> texts = {"cat", "\xff"};
  try {
    encoder->embed(texts, TextKind::kPassage);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("text 1"));
  }
}

TEST_F(EncoderTest, HashTellsWhatVectorsDependOn) {
  const TinyEncoder folder;
  const std::string plain = open(folder.path())->hash();
  EXPECT_EQ(plain, open(folder.path())->hash());
  EXPECT_NE(plain, open(folder.path(), {.codec = "int8g32s"})->hash());
  EXPECT_NE(plain, open(folder.path(), {.arithmetic = Arithmetic::kNative})->hash());
  EXPECT_NE(plain, open(TinyEncoder("cls").path())->hash());
  EXPECT_EQ(plain, Encoder::hash_of(folder.path(), {}).take()) << "without its weights";
  EXPECT_EQ(open(folder.path(), {.codec = "int8g32s"})->hash(),
            Encoder::hash_of(folder.path(), {.codec = "int8g32s"}).take());
  EXPECT_EQ(Encoder::hash_of(folder.path() / "none", {}).failure().code, ErrorCode::kNotFound);
}

TEST_F(EncoderTest, RefusesWhatIsNoEncoder) {
  const nibble::testing::TempFolder empty;
  EXPECT_EQ(Encoder::open(empty.path(), {}, pool_, silent_progress()).failure().code,
            ErrorCode::kNotFound);
}

/// Rows of a little-endian float32 matrix as numpy saves it.
std::vector<float> read_npy(const std::filesystem::path& path) {
  const std::string file = nibble::testing::read_file(path);
  const std::size_t header =
      10 + static_cast<unsigned char>(file[8]) + 256U * static_cast<unsigned char>(file[9]);
  std::vector<float> out((file.size() - header) / sizeof(float));
  std::memcpy(out.data(), file.data() + header, out.size() * sizeof(float));
  return out;
}

TEST_F(EncoderTest, MiniLmAgreesWithTransformers) {
  NIBBLE_NEEDS_FILE(model, nibble::testing::encoder_model());
  NIBBLE_NEEDS_FILE(sentences, nibble::testing::golden("engine/minilm_sentences.json"));
  NIBBLE_NEEDS_FILE(vectors, nibble::testing::golden("engine/minilm_embeddings.npy"));
  const Json json = parse_json(nibble::testing::read_file(sentences), "golden").take();
  std::vector<std::string> texts;
  for (const Json& sentence : json["sentences"]) {
    texts.push_back(sentence["text"]);
  }
  const std::vector<float> wanted = read_npy(vectors);
  const auto encoder = open(model);
  const auto found = encoder->embed(texts, TextKind::kPassage);
  ASSERT_EQ(found.size(), wanted.size());
  EXPECT_THAT(found, Pointwise(FloatNear(1e-5F), wanted));
  for (const auto& [codec, least] :
       {std::pair("", 0.9999), std::pair("int8g32s", 0.997), std::pair("int4g32a", 0.9)}) {
    const auto coded = open(model, {.arithmetic = Arithmetic::kNative, .codec = codec})
                           ->embed(texts, TextKind::kPassage);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto a = row(coded, i, 384), b = row(wanted, i, 384);
      EXPECT_GT(std::inner_product(a.begin(), a.end(), b.begin(), 0.0), least)
          << codec << ": " << texts[i];
    }
  }
}

}  // namespace
}  // namespace nibble::rag
