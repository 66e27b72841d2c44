#include "text/read/huggingface_model.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace nibble::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::vector<TokenId> encode(std::string_view json, std::string_view word, bool byte_level = false) {
  const Json parsed = Json::parse(json);
  std::vector<TokenId> ids;
  read_word_model({parsed, "model"}, 100, byte_level).model->encode(word, ids);
  return ids;
}

std::string failure_of(std::string_view json, bool byte_level = false) {
  try {
    encode(json, "", byte_level);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(HuggingFaceModel, BpeWithMergesAsTextsOrPairs) {
  EXPECT_THAT(
      encode(R"({"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]})", "abb"),
      ElementsAre(2, 1));
  EXPECT_THAT(
      encode(R"({"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]})",
             "abb"),
      ElementsAre(2, 1));
  EXPECT_THAT(encode(R"({"vocab": {"a": 0, "b": 1, "ab": 2}, "merges": []})", "ab"),
              ElementsAre(0, 1));
}

TEST(HuggingFaceModel, BpeOptions) {
  EXPECT_THAT(
      encode(R"({"type": "BPE", "vocab": {"a": 0, "<u>": 1, "<0xC3>": 2, "<0xA9>": 3}, "merges": [],
                         "unk_token": "<u>", "fuse_unk": true, "byte_fallback": true})",
             "aéxx"),
      ElementsAre(0, 2, 3, 1));
  EXPECT_THAT(encode(
                  R"({"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [],
            "ignore_merges": true})",
                  "ab"),
              ElementsAre(2));
  EXPECT_THAT(
      encode(
          R"({"type": "BPE", "vocab": {"Ġ": 0, "a": 1, "Ġa": 2}, "merges": ["Ġ a"]})", " a", true),
      ElementsAre(2));
}

TEST(HuggingFaceModel, WordPiece) {
  EXPECT_THAT(
      encode(R"({"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                         "max_input_chars_per_word": 4, "vocab": {"[UNK]": 0, "a": 1, "##b": 2}})",
             "abb"),
      ElementsAre(1, 2, 2));
}

TEST(HuggingFaceModel, NamesWhatItDoesNotHandle) {
  EXPECT_EQ(failure_of(R"({"type": "Unigram", "vocab": []})"),
            "model.type: 'Unigram' is not handled");
  EXPECT_EQ(failure_of(R"({"type": "BPE", "vocab": {}, "merges": [], "dropout": 0.1})"),
            "model.dropout: not handled");
  EXPECT_EQ(
      failure_of(R"({"type": "BPE", "vocab": {}, "merges": [], "end_of_word_suffix": "</w>"})"),
      "model.end_of_word_suffix: not handled");
  EXPECT_EQ(
      failure_of(R"({"type": "BPE", "vocab": {}, "merges": [], "byte_fallback": true})", true),
      "model.byte_fallback: not handled with ByteLevel");
  EXPECT_EQ(failure_of(R"({"type": "BPE", "vocab": {}, "merges": [], "other": 1})"),
            "model.other: not handled");
}

TEST(HuggingFaceModel, BrokenModelsAreNamed) {
  EXPECT_EQ(failure_of(R"({"type": "BPE", "merges": []})"), "model.vocab: missing");
  EXPECT_EQ(failure_of(R"({"type": "BPE", "vocab": {"a": -1}, "merges": []})"),
            "model.vocab: 'a' has no proper id");
  EXPECT_EQ(failure_of(R"({"type": "BPE", "vocab": {"a": 0}, "merges": [["a"]]})"),
            "model.merges[0]: expected two tokens");
  EXPECT_EQ(failure_of(R"({"type": "BPE", "vocab": {"a": 0}, "merges": ["a a"]})"),
            "merge 0: 'aa' is not in the vocabulary");
  EXPECT_EQ(failure_of(R"({"type": "BPE", "vocab": {"a": 0}, "merges": [], "unk_token": "<u>"})"),
            "model.unk_token: '<u>' is not in the vocabulary");
}

TEST(HuggingFaceModel, VocabularyWithAddedTokensAndHoles) {
  const Json json = Json::parse(R"({"model": {"vocab": {"a": 0, "b": 3}},
      "added_tokens": [{"id": 4, "content": "<x>", "special": true}, {"id": 0, "content": "a"}]})");
  const Fields document(json, "");
  const auto added = read_added_tokens(document);
  EXPECT_THAT(read_vocabulary(document.object("model"), added),
              ElementsAre("a", "", "", "b", "<x>"));
  EXPECT_TRUE(added[0].special);
  EXPECT_FALSE(added[0].normalized);
  EXPECT_TRUE(added[1].normalized);
}

TEST(HuggingFaceModel, IdsMustBeDenseAndUnique) {
  const auto read = [](std::string_view text) {
    const Json json = Json::parse(text);
    const Fields document(json, "");
    return read_vocabulary(document.object("model"), read_added_tokens(document));
  };
  EXPECT_THAT([&] { static_cast<void>(read(R"({"model": {"vocab": {"a": 2000000000}}})")); },
              ThrowsMessage<Error>(
                  HasSubstr("token 'a': id 2000000000 is far above the number of tokens")));
  EXPECT_THAT(
      [&] {
        static_cast<void>(
            read(R"({"model": {"vocab": {"a": 1}}, "added_tokens": [{"id": 1, "content": "b"}]})"));
      },
      ThrowsMessage<Error>(HasSubstr("id 1 belongs to 'a' and to 'b'")));
}

}  // namespace
}  // namespace nibble::text
