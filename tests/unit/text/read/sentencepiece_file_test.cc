#include <gmock/gmock.h>

#include <cstring>

#include "support/files.h"
#include "text/read/sentencepiece.h"
#include "unit/text/tokenizers.h"

namespace nibble::text {
namespace {

using nibble::testing::golden;
using nibble::testing::other_model;
using nibble::testing::read_file;
using ::testing::ElementsAre;
using testing::expect_golden;
using ::testing::HasSubstr;
using testing::read_golden;
using testing::spec_of_gguf;

/// The least of a Protocol Buffers writer.
class Message {
 public:
  Message& number(std::uint64_t field, std::uint64_t value) {
    varint(field << 3);
    return varint(value);
  }
  Message& text(std::uint64_t field, std::string_view value) {
    varint(field << 3 | 2).varint(value.size());
    bytes_.append(value);
    return *this;
  }
  Message& real(std::uint64_t field, float value) {
    varint(field << 3 | 5);
    char raw[4];
    std::memcpy(raw, &value, 4);
    bytes_.append(raw, 4);
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  Message& varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
      bytes_.push_back(static_cast<char>(value | 0x80));
    }
    bytes_.push_back(static_cast<char>(value));
    return *this;
  }
  std::string bytes_;
};

std::string piece(std::string_view text, float score, std::uint64_t type) {
  return Message().text(1, text).real(2, score).number(3, type).bytes();
}

/// A BPE model; `normalizer` as bytes of a NormalizerSpec.
std::string small_model(std::string_view normalizer, std::uint64_t model_type = 2) {
  Message model;
  model.text(1, piece("<unk>", 0, 2)).text(1, piece("<s>", 0, 3)).text(1, piece("</s>", 0, 3));
  model.text(1, piece("▁a", -1, 1)).text(1, piece("▁", -2, 1)).text(1, piece("a", -3, 1));
  model.text(2, Message().number(3, model_type).bytes()).text(3, normalizer);
  return model.bytes();
}

std::string keeps_blanks() {
  return Message().number(4, 0).bytes();
}

TEST(SentencePieceFile, ReadsASmallModel) {
  const auto tokenizer = make_tokenizer_from_sentencepiece(small_model(keeps_blanks()), "m").take();
  EXPECT_THAT(tokenizer->encode("a a", AddSpecial::kYes).take(), ElementsAre(1, 3, 3));
  EXPECT_EQ(tokenizer->special().eos, 2);
  EXPECT_EQ(tokenizer->special().unknown, 0);
  // As sentencepiece, it does not take "<s>" in a text for the token.
  EXPECT_THAT(tokenizer->encode("<s>", AddSpecial::kNo).take(), ElementsAre(4, 0));
}

TEST(SentencePieceFile, GgufGetsPiecesScoresAndTypes) {
  const auto spec = spec_from_sentencepiece(small_model(keeps_blanks()), "m").take();
  EXPECT_EQ(spec.model, "llama");
  EXPECT_EQ(spec.tokens.size(), spec.scores.size());
  EXPECT_EQ(spec.tokens[1], "<s>");
  EXPECT_EQ(spec.types[1], 3);
  EXPECT_EQ(spec.bos, 1);
  EXPECT_EQ(spec.add_bos, true);
  EXPECT_EQ(spec.add_space_prefix, true);
  EXPECT_THAT(spec_from_sentencepiece("", "x.model").failure().message,
              HasSubstr("x.model: no pieces"));
}

TEST(SentencePieceFile, MistralEqualsTheReference) {
  NIBBLE_NEEDS_FILE(model, other_model("tokenizer.model.v1"));
  NIBBLE_NEEDS_FILE(rows, golden("engine/tokens_mistral_v1.jsonl"));
  expect_golden(*make_tokenizer_from_sentencepiece(read_file(model), "m").take(),
                read_golden(rows));
}

// The golden file was made by sentencepiece from the pieces, scores and types of the GGUF file; so
// is this model.
TEST(SentencePieceFile, GemmaRebuiltFromItsPiecesEqualsTheReference) {
  NIBBLE_NEEDS_FILE(model, other_model("gemma-3-270m-q4_k_m.gguf"));
  NIBBLE_NEEDS_FILE(rows, golden("engine/tokens_gemma3_spm.jsonl"));
  const GgufTokenizerSpec spec = spec_of_gguf(model);
  Message out;
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) {
    out.text(1, piece(spec.tokens[i], spec.scores[i], static_cast<std::uint64_t>(spec.types[i])));
  }
  out.text(2, Message().number(3, 2).text(46, "<none>").bytes());
  out.text(3, Message().number(3, 0).number(4, 0).bytes());
  expect_golden(*make_tokenizer_from_sentencepiece(out.bytes(), "m").take(), read_golden(rows));
}

std::string failure_of(std::string_view bytes) {
  const auto tokenizer = make_tokenizer_from_sentencepiece(bytes, "x.model");
  return tokenizer ? "" : tokenizer.failure().message;
}

TEST(SentencePieceFile, NamesWhatItDoesNotHandle) {
  EXPECT_THAT(failure_of(small_model(keeps_blanks(), 1)),
              HasSubstr("x.model: a model type other than BPE"));
  EXPECT_THAT(failure_of(small_model("")), HasSubstr("remove_extra_whitespaces is not handled"));
  EXPECT_THAT(failure_of(small_model(Message().text(2, "map").number(4, 0).bytes())),
              HasSubstr("a normalizer with a character map"));
}

TEST(SentencePieceFile, BrokenFilesNeverPass) {
  EXPECT_THAT(failure_of(""), HasSubstr("no pieces"));
  EXPECT_THAT(failure_of("{\"model\": 1}"), HasSubstr("x.model: "));
  EXPECT_THAT(failure_of(Message().text(1, piece("a", 0, 9)).bytes()),
              HasSubstr("piece 0: type 9 is none of 1 to 6"));
  EXPECT_THAT(failure_of(Message().text(1, piece("\xFF", 0, 1)).bytes()),
              HasSubstr("piece 0 is not UTF-8"));
  const std::string whole = small_model(keeps_blanks());
  for (std::size_t n = 0; n < whole.size();
       ++n) {  // cut anywhere: an error or a model, never a crash
    failure_of(std::string_view(whole).substr(0, n));
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const char flip : {'\x01', '\x80', '\xFF'}) {
      std::string broken = whole;
      broken[i] = static_cast<char>(broken[i] ^ flip);
      failure_of(broken);
    }
  }
}

}  // namespace
}  // namespace nibble::text
