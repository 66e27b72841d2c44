#include "text/read/huggingface_parts.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace nibble::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::string normalize(std::string_view json, std::string_view text) {
  const Json parsed = Json::parse(json);
  std::string storage;
  return std::string(Normalizer(read_normalizer(&parsed)).apply(text, storage));
}

std::vector<std::string> split(std::string_view json, std::string_view text) {
  const Json parsed = Json::parse(json);
  std::vector<std::string> words;
  PreTokenizer(read_pre_tokenizer(&parsed).steps).split(text, true, [&](std::string_view word) {
    words.emplace_back(word);
  });
  return words;
}

template <class F>
void expect_refused(F&& read, std::string_view json, std::string_view message) {
  const Json parsed = Json::parse(json);
  EXPECT_THAT([&] { static_cast<void>(read(&parsed)); },
              ThrowsMessage<Error>(HasSubstr(std::string(message))));
}

TEST(HuggingFaceParts, Normalizers) {
  EXPECT_EQ(normalize(R"({"type": "Sequence", "normalizers": [
                          {"type": "Prepend", "prepend": "▁"},
                          {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]})",
                      "a b"),
            "▁a▁b");
  EXPECT_EQ(
      normalize(R"({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                          "strip_accents": null, "lowercase": true})",
                "É漢"),
      "e 漢 ");
  EXPECT_EQ(normalize(R"({"type": "BertNormalizer", "lowercase": false})", "É"), "É");
  EXPECT_EQ(normalize(R"({"type": "Strip", "strip_left": true, "strip_right": false})", " a "),
            "a ");
  EXPECT_TRUE(read_normalizer(nullptr).empty());
}

TEST(HuggingFaceParts, RefusedNormalizersAreNamed) {
  expect_refused(read_normalizer, R"({"type": "Nmt"})", "normalizer.type: 'Nmt' is not handled");
  expect_refused(
      read_normalizer,
      R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Precompiled"}]})",
      "normalizer.normalizers[1].type: 'Precompiled' is not handled");
  expect_refused(read_normalizer, R"({"type": "NFC", "new": 1})", "normalizer.new: not handled");
  expect_refused(read_normalizer,
                 R"({"type": "Replace", "pattern": {"Regex": "a+"}, "content": ""})",
                 "normalizer.pattern.Regex: 'a+' is not handled");
  expect_refused(read_normalizer,
                 R"({"type": "Replace", "pattern": {"String": ""}, "content": ""})",
                 "normalizer.pattern: empty");
  expect_refused(read_normalizer, R"({})", "normalizer.type: missing");
}

TEST(HuggingFaceParts, PreTokenizers) {
  EXPECT_THAT(split(R"({"type": "Sequence", "pretokenizers": [
                        {"type": "Digits", "individual_digits": true},
                        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                          "use_regex": true}]})",
                    "ab 12"),
              ElementsAre("ab", " ", "1", "2"));
  EXPECT_THAT(split(
                  R"({"type": "Split", "pattern": {"Regex": "[a-z]+"}, "behavior": "Isolated",
            "invert": false})",
                  "ab1"),
              ElementsAre("ab", "1"));
  EXPECT_THAT(
      split(R"({"type": "Split", "pattern": {"String": "-"}, "behavior": "MergedWithPrevious"})",
            "a-b"),
      ElementsAre("a-", "b"));
  EXPECT_THAT(
      split(
          R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true})",
          "a b"),
      ElementsAre("▁a", "▁b"));
  EXPECT_THAT(split(R"({"type": "ByteLevel", "add_prefix_space": true})", "a b"),
              ElementsAre(" a", " b"));
}

TEST(HuggingFaceParts, RefusedPreTokenizersAreNamed) {
  expect_refused(read_pre_tokenizer,
                 R"({"type": "UnicodeScripts"})",
                 "pre_tokenizer.type: 'UnicodeScripts' is not handled");
  expect_refused(read_pre_tokenizer,
                 R"({"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"},
        {"type": "BertPreTokenizer"}]})",
                 "'BertPreTokenizer' behind ByteLevel is not handled");
  expect_refused(read_pre_tokenizer,
                 R"({"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"})",
                 "pre_tokenizer.pattern: pattern '(a'");
  expect_refused(read_pre_tokenizer,
                 R"({"type": "Split", "pattern": {"String": "a"}, "behavior": "Sideways"})",
                 "pre_tokenizer.behavior: 'Sideways' is not handled");
  expect_refused(read_pre_tokenizer,
                 R"({"type": "Metaspace", "replacement": "_"})",
                 "replacement: '_' is not handled");
}

TEST(HuggingFaceParts, PostProcessors) {
  const Json llama3 = Json::parse(R"({"type": "Sequence", "processors": [
      {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true},
      {"type": "TemplateProcessing",
       "single": [{"SpecialToken": {"id": "<b>", "type_id": 0}}, {"Sequence": {"id": "A",
         "type_id": 0}},
                  {"SpecialToken": {"id": "<e>", "type_id": 0}}],
       "pair": [], "special_tokens": {"<b>": {"id": "<b>", "ids": [7, 8], "tokens": []},
                                      "<e>": {"id": "<e>", "ids": [9], "tokens": []}}}]})");
  const Frame frame = read_post_processor(&llama3);
  EXPECT_THAT(frame.prefix, ElementsAre(7, 8));
  EXPECT_THAT(frame.suffix, ElementsAre(9));
  const Json bert =
      Json::parse(R"({"type": "BertProcessing", "sep": ["[SEP]", 102], "cls": ["[CLS]", 101]})");
  EXPECT_THAT(read_post_processor(&bert).prefix, ElementsAre(101));
  EXPECT_THAT(read_post_processor(&bert).suffix, ElementsAre(102));
  expect_refused(
      read_post_processor, R"({"type": "Other"})", "post_processor.type: 'Other' is not handled");
  expect_refused(read_post_processor,
                 R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}],
        "special_tokens": {}})",
                 "post_processor.special_tokens.x: missing");
}

TEST(HuggingFaceParts, Decoders) {
  const Json pieces = Json::parse(R"({"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"}, {"type": "Fuse"},
      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})");
  const DecodePlan plan = read_decoder(&pieces);
  EXPECT_TRUE(plan.drops_first_blank);
  EXPECT_EQ(decode_piece(plan, "▁a▁"), " a ");
  EXPECT_EQ(decode_piece(plan, "<0xE6>"), "\xE6");
  const Json wordpiece = Json::parse(R"({"type": "WordPiece", "prefix": "##", "cleanup": true})");
  EXPECT_EQ(decode_piece(read_decoder(&wordpiece), "##ing"), "ing");
  EXPECT_EQ(decode_piece(read_decoder(&wordpiece), "the"), " the");
  EXPECT_EQ(decode_piece(read_decoder(&wordpiece), "!"), "!");
  const Json bytes = Json::parse(R"({"type": "ByteLevel"})");
  EXPECT_EQ(decode_piece(read_decoder(&bytes), "Ġa"), " a");
  EXPECT_EQ(decode_piece(read_decoder(&bytes), "<a b>"), "<a b>");
  EXPECT_THAT([] { static_cast<void>(read_decoder(nullptr)); },
              ThrowsMessage<Error>(HasSubstr("decoder: ")));
  expect_refused(read_decoder, R"({"type": "CTC"})", "decoder.type: 'CTC' is not handled");
  expect_refused(read_decoder,
                 R"({"type": "Sequence", "decoders": [{"type": "Strip", "content": "x", "start": 1,
        "stop": 0}]})",
                 "decoder.decoders[0].type: 'Strip of anything but one leading blank'");
}

}  // namespace
}  // namespace nibble::text
