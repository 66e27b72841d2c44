#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "text/tokenizer_spec.h"

namespace nibble::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Letters a to c, "ab", a gap at 4, a special and a user-defined token.
Json small_json() {
  return {{"added_tokens",
           {{{"id", 5}, {"content", "<|end|>"}, {"special", true}},
            {{"id", 6}, {"content", "<tool>"}, {"special", false}, {"normalized", false}}}},
          {"pre_tokenizer",
           {{"type", "Sequence"},
            {"pretokenizers",
             {{{"type", "Digits"}, {"individual_digits", true}},
              {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}}}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model",
           {{"type", "BPE"},
            {"vocab", {{"a", 0}, {"b", 1}, {"c", 2}, {"ab", 3}}},
            {"merges", {"a b"}}}}};
}

constexpr std::string_view kConfig = R"({"eos_token": "<|end|>"})";

TEST(GgufSpec, TakesTokensMergesAndTypesFromTokenizerJson) {
  const auto spec = spec_from_tokenizer_json(dump_json(small_json()), kConfig, "x").take();
  EXPECT_EQ(spec.model, "gpt2");
  EXPECT_EQ(spec.pre, "smollm");
  EXPECT_THAT(spec.tokens, ElementsAre("a", "b", "c", "ab", "[PAD4]", "<|end|>", "<tool>"));
  EXPECT_THAT(spec.types, ElementsAre(1, 1, 1, 1, 5, 3, 4));
  EXPECT_THAT(spec.merges, ElementsAre("a b"));
  EXPECT_EQ(spec.eos, 5);
  EXPECT_EQ(spec.bos, std::nullopt);
  EXPECT_EQ(spec.add_bos, false);
}

TEST(GgufSpec, WordsOfMergesMayStandApart) {
  Json json = small_json();
  json["model"]["merges"] = Json::array({Json::array({"a", "b"})});
  EXPECT_THAT(spec_from_tokenizer_json(dump_json(json), kConfig, "x").take().merges,
              ElementsAre("a b"));
}

TEST(GgufSpec, RefusesWhatGgufHasNoNameFor) {
  Json json = small_json();
  json["normalizer"] = {{"type", "Lowercase"}};
  EXPECT_THAT(spec_from_tokenizer_json(dump_json(json), kConfig, "x").failure().message,
              HasSubstr("x: pre_tokenizer: GGUF has no name"));
}

}  // namespace
}  // namespace nibble::text
