#include "text/tokenizer_spec.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/files.h"
#include "unit/text/tokenizers.h"

namespace nibble::text {
namespace {

using nibble::testing::demo_model;
using ::testing::ElementsAre;
using testing::spec_of_gguf;

TEST(TokenizerSpec, FromMetadata) {
  const Json metadata = {{"general.name", "x"},
                         {"tokenizer.ggml.model", "llama"},
                         {"tokenizer.ggml.tokens", {"a", "b"}},
                         {"tokenizer.ggml.scores", {-1.5, 0}},
                         {"tokenizer.ggml.token_type", {1, 3}},
                         {"tokenizer.ggml.bos_token_id", 1},
                         {"tokenizer.ggml.add_bos_token", false}};
  const auto spec = spec_from_gguf_metadata(metadata).take();
  EXPECT_EQ(spec.model, "llama");
  EXPECT_EQ(spec.pre, "");
  EXPECT_THAT(spec.tokens, ElementsAre("a", "b"));
  EXPECT_THAT(spec.scores, ElementsAre(-1.5F, 0.0F));
  EXPECT_EQ(spec.bos, 1);
  EXPECT_EQ(spec.eos, std::nullopt);
  EXPECT_EQ(spec.add_bos, false);
  EXPECT_EQ(spec.add_eos, std::nullopt);
}

TEST(TokenizerSpec, BrokenMetadataIsNamed) {
  const auto message = [](Json metadata) {
    return spec_from_gguf_metadata(metadata).failure().message;
  };
  EXPECT_EQ(message(Json::object()), "tokenizer.ggml.model: missing");
  EXPECT_EQ(message({{"tokenizer.ggml.model", "x"}, {"tokenizer.ggml.tokens", {"a", 1}}}),
            "tokenizer.ggml.tokens[1]: expected a text");
  EXPECT_EQ(message({{"tokenizer.ggml.model", "x"}, {"tokenizer.ggml.bos_token_id", 1e10}}),
            "tokenizer.ggml.bos_token_id: expected a 32-bit integer");
}

TEST(TokenizerSpec, JsonKeepsEverything) {
  GgufTokenizerSpec spec;
  spec.model = "llama";
  spec.pre = "default";
  spec.tokens = {"a", "▁\n\"", ""};
  spec.scores = {-0.1F, 1e-30F, 3.4e38F};
  spec.types = {1, 2, 6};
  spec.merges = {"a b"};
  spec.bos = 0;
  spec.unknown = 2;
  spec.add_eos = true;
  spec.add_space_prefix = false;
  EXPECT_EQ(spec_from_json(spec_to_json(spec), "x").take(), spec);
}

TEST(TokenizerSpec, JsonOfTheDemoModelMakesTheSameTokenizer) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  const auto spec = spec_of_gguf(model);
  const auto again = spec_from_json(spec_to_json(spec), "x").take();
  EXPECT_EQ(again, spec);
  EXPECT_EQ(make_tokenizer(again).take()->hash(), make_tokenizer(spec).take()->hash());
}

TEST(TokenizerSpec, JsonErrorsHaveAPosition) {
  EXPECT_THAT(spec_from_json("{\n 1", "t.json").failure().message,
              ::testing::StartsWith("t.json:2:2: "));
  EXPECT_EQ(spec_from_json("[]", "t.json").failure().message,
            "t.json: document: expected an object");
}

}  // namespace
}  // namespace nibble::text
