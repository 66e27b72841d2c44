#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/files.h"
#include "text/tokenizer_files.h"
#include "unit/text/tokenizers.h"

namespace nibble::text {
namespace {

using nibble::testing::golden;
using nibble::testing::other_model;
using ::testing::ElementsAre;
using testing::expect_golden;
using ::testing::HasSubstr;
using testing::read_golden;

/// A Llama-like file: blanks as U+2581, one in front of every text, byte tokens, <s> in front.
Json llama_like() {
  return Json::parse(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [
      {"id": 0, "content": "<unk>", "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true},
      {"id": 1, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true},
      {"id": 2, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true}],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                   {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
    "pre_tokenizer": null,
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A",
        "type_id": 0}}],
      "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
    "decoder": {"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"}, {"type": "Fuse"},
      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
      "vocab": {"<unk>": 0, "<s>": 1, "</s>": 2, "<0xC3>": 3, "<0xA9>": 4, "▁": 5, "a": 6, "▁a": 7},
      "merges": ["▁ a"]}})");
}

constexpr std::string_view kLlamaConfig =
    R"({"bos_token": {"content": "<s>", "special": true}, "eos_token": "</s>",
      "unk_token": "<unk>", "add_bos_token": true})";

std::unique_ptr<Tokenizer> make(const Json& json, std::string_view config) {
  return make_tokenizer_from_json(dump_json(json), config, "t.json").take();
}

TEST(HuggingFace, LlamaLikeFile) {
  const auto tokenizer = make(llama_like(), kLlamaConfig);
  EXPECT_THAT(tokenizer->encode("a aé", AddSpecial::kYes).take(), ElementsAre(1, 7, 7, 3, 4));
  // Each stretch of text between special tokens gets its own blank, as in the reference.
  EXPECT_THAT(tokenizer->encode("a</s>a", AddSpecial::kNo).take(), ElementsAre(7, 2, 7));
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{1, 7, 7, 3, 4}, SkipSpecial::kYes).take(),
            "a aé");
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{1, 7}, SkipSpecial::kNo).take(), "<s> a");
  EXPECT_EQ(tokenizer->special().bos, 1);
  EXPECT_EQ(tokenizer->special().eos, 2);
  EXPECT_EQ(tokenizer->special().unknown, 0);
  EXPECT_TRUE(tokenizer->special().add_bos);
  EXPECT_FALSE(tokenizer->special().add_eos);
}

TEST(HuggingFace, TheCompanionAddsBosWhereThePostProcessorAddsNothing) {
  Json json = llama_like();
  json["post_processor"] = nullptr;
  EXPECT_THAT(make(json, kLlamaConfig)->encode("a", AddSpecial::kYes).take(), ElementsAre(1, 7));
  EXPECT_THAT(make(json, R"({"bos_token": "<s>"})")->encode("a", AddSpecial::kYes).take(),
              ElementsAre(7));
  EXPECT_THAT(make(json, "")->encode("a", AddSpecial::kYes).take(), ElementsAre(7));
}

TEST(HuggingFace, NormalisedTokensAreFoundAndDecodedAsTheNormaliserWritesThem) {
  Json json = llama_like();
  json["normalizer"] = {{"type", "Lowercase"}};
  json["added_tokens"].push_back({{"id", 8}, {"content", "Foo Bar"}, {"normalized", true}});
  const auto tokenizer = make(json, "");
  EXPECT_THAT(tokenizer->encode("aFOO barA", AddSpecial::kNo).take(), ElementsAre(6, 8, 6));
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{6, 8}, SkipSpecial::kNo).take(), "afoo bar");
  EXPECT_EQ(tokenizer->token_text(8), "Foo Bar");
}

TEST(HuggingFace, HashesFollowTheSettings) {
  Json json = llama_like();
  const std::string hash = make(json, kLlamaConfig)->hash();
  EXPECT_EQ(make(json, kLlamaConfig)->hash(), hash);
  json["model"]["merges"] = Json::array();
  EXPECT_NE(make(json, kLlamaConfig)->hash(), hash);
}

TEST(HuggingFace, HashesFollowTheSpecialTokensOfTheCompanion) {
  const Json json = llama_like();
  const auto hash = [&](std::string_view config) { return make(json, config)->hash(); };
  const std::string first = hash(R"({"bos_token": "<s>", "eos_token": "</s>"})");
  EXPECT_EQ(hash(R"({"eos_token": "</s>", "bos_token": "<s>", "model_max_length": 9})"), first);
  EXPECT_NE(hash(R"({"bos_token": "<s>", "eos_token": "<s>"})"), first);
  EXPECT_NE(hash(R"({"bos_token": "</s>", "eos_token": "</s>"})"), first);
  EXPECT_NE(hash(R"({"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"})"), first);
  EXPECT_NE(hash(""), first);
}

TEST(HuggingFace, FailuresNameFileAndKey) {
  const auto message = [](const Json& json, std::string_view config = "") {
    return make_tokenizer_from_json(dump_json(json), config, "t.json").failure().message;
  };
  Json json = llama_like();
  json["extra"] = 1;
  EXPECT_EQ(message(json), "t.json: extra: not handled");
  json = llama_like();
  json.erase("model");
  EXPECT_EQ(message(json), "t.json: model: missing");
  json = llama_like();
  json["post_processor"]["special_tokens"]["<s>"]["ids"] = {99};
  EXPECT_EQ(message(json), "t.json: post_processor: id 99 is outside the vocabulary");
  EXPECT_EQ(message(llama_like(), R"({"eos_token": "<e>"})"),
            "t.json: tokenizer_config.json: eos_token: '<e>' is not in the vocabulary");
  EXPECT_THAT(make_tokenizer_from_json("{\"a\":", "", "t.json").failure().message,
              HasSubstr("t.json:1:6: "));
}

// Any change of one value by another type gives an error or a tokenizer, never a crash.
TEST(HuggingFace, WrongTypesNeverPassUnnoticed) {
  const Json flat = llama_like().flatten();
  for (const auto& [path, value] : flat.items()) {
    for (const Json& other :
         {Json(), Json(-1), Json("x"), Json::array(), Json::object(), Json(true)}) {
      Json json = llama_like();
      json[Json::json_pointer(path)] = other;
      const auto tokenizer = make_tokenizer_from_json(dump_json(json), "", "t.json");
      if (tokenizer) {
        EXPECT_TRUE((*tokenizer)->encode("a é", AddSpecial::kYes)) << path;
      } else {
        EXPECT_THAT(tokenizer.failure().message, HasSubstr("t.json: ")) << path;
      }
    }
  }
}

// Small tokenizers of eight kinds, trained and run by the reference package.
TEST(HuggingFace, EveryComponentEqualsTheReference) {
  NIBBLE_NEEDS_FILE(path, golden("text/tokenizers_small.json"));
  const Json file = parse_json(nibble::testing::read_file(path), path.string()).take();
  ASSERT_EQ(file.at("cases").size(), 8U);
  for (const Json& item : file.at("cases")) {
    SCOPED_TRACE(item.at("name").get<std::string>());
    const auto tokenizer = make(item.at("tokenizer"), "");
    for (const Json& row : item.at("rows")) {
      const auto text = row.at("text").get<std::string>();
      const auto ids = row.at("ids").get<std::vector<TokenId>>();
      EXPECT_EQ(tokenizer->encode(text, AddSpecial::kYes).take(), ids) << text;
      EXPECT_EQ(tokenizer->decode(ids, SkipSpecial::kNo).take(), row.at("decoded")) << text;
      EXPECT_EQ(tokenizer->decode(ids, SkipSpecial::kYes).take(), row.at("decoded_skip_special"));
    }
  }
}

TEST(HuggingFace, MiniLmEqualsTheReference) {
  NIBBLE_NEEDS_FILE(model, other_model("all-MiniLM-L6-v2"));
  NIBBLE_NEEDS_FILE(rows, golden("engine/tokens_minilm.jsonl"));
  const auto tokenizer = open_tokenizer(model).take();
  expect_golden(*tokenizer, read_golden(rows));
  EXPECT_EQ(tokenizer->vocab_size(), 30522U);
}

}  // namespace
}  // namespace nibble::text
