#include "model/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/files.h"
#include "unit/model/tiny_model.h"

namespace nibble::model {
namespace {

namespace fs = std::filesystem;
using nibble::testing::write_file;
using ::testing::HasSubstr;
using testing::TinyCopy;

class LoadTest : public ::testing::Test {
 protected:
  Result<LoadedModel> load(const LoadOptions& options = {}) {
    return load_model(folder_.path(), options, pool_, silent_progress());
  }
  Failure failure() {
    auto result = load();
    return result ? Failure{ErrorCode::kInternal, "(loaded)"} : result.failure();
  }

  TinyCopy folder_;
  ThreadPool pool_{1};
};

TEST_F(LoadTest, SaysWhatItLoaded) {
  const LoadedModel loaded = load({Arithmetic::kF32}).take();
  EXPECT_EQ(loaded.model->config().architecture, "qwen3");
  EXPECT_EQ(loaded.model->arithmetic(), Arithmetic::kF32);
  EXPECT_EQ(loaded.tokenizer->vocab_size(), 96U);
  EXPECT_EQ(loaded.weight_types, "36 x bf16");
  EXPECT_EQ(loaded.hash.size(), 64U);
  EXPECT_EQ(loaded.file_bytes, fs::file_size(folder_ / "model.safetensors"));
  EXPECT_EQ(loaded.chat_template, "");
}

TEST_F(LoadTest, HashesOnlyWhenAsked) {
  EXPECT_EQ(load({Arithmetic::kNative, false}).take().hash, "");
}

TEST_F(LoadTest, FindsTheChatTemplateWhereFoldersKeepIt) {
  write_file(folder_ / "tokenizer_config.json", R"({"chat_template": "A"})");
  EXPECT_EQ(load().take().chat_template, "A");
  write_file(folder_ / "tokenizer_config.json",
             R"({"chat_template": [{"name": "tool", "template": "T"},
                                   {"name": "default", "template": "D"}]})");
  EXPECT_EQ(load().take().chat_template, "D");
  write_file(folder_ / "chat_template.jinja", "J");
  EXPECT_EQ(load().take().chat_template, "J");
  fs::remove(folder_ / "chat_template.jinja");
  write_file(folder_ / "tokenizer_config.json", "{");
  EXPECT_EQ(failure().code, ErrorCode::kCorruptData);
}

TEST_F(LoadTest, AFolderWithoutTokenizerNamesWhatWasWanted) {
  fs::remove(folder_ / "tokenizer.nibble.json");
  const Failure why = failure();
  EXPECT_EQ(why.code, ErrorCode::kNotFound);
  EXPECT_THAT(why.message, HasSubstr("no tokenizer; wanted tokenizer.json"));
}

TEST_F(LoadTest, AFolderWithoutConfigIsNotFound) {
  fs::remove(folder_ / "config.json");
  EXPECT_EQ(failure().code, ErrorCode::kNotFound);
}

TEST_F(LoadTest, AWeightOfAnotherShapeIsNamedWithBoth) {
  const std::string text = nibble::testing::read_file(folder_ / "config.json");
  Json config = Json::parse(text);
  config["intermediate_size"] = 63;
  write_file(folder_ / "config.json", config.dump());
  const Failure why = failure();
  EXPECT_EQ(why.code, ErrorCode::kShapeMismatch);
  EXPECT_THAT(why.message,
              HasSubstr("mlp.gate_proj.weight: the configuration wants [63, 48], the file has "
                        "[64, 48]"));
}

TEST(Load, MemoryNeededCountsPackedLayersAndKeysAndValues) {
  const auto folder = io::open_checkpoint(testing::tiny_folder("llama3-scaled")).take();
  const ModelConfig config = read_config(*folder).take();
  // Tied: the embedding is multiplied too. 96 * 48 and three layers of 18432 weights; 256 tokens.
  constexpr std::size_t kWeights = 96 * 48 + 3 * 18432;
  constexpr std::size_t kCacheValues = 256 * 3 * 2 * 32;
  EXPECT_EQ(memory_needed(*folder, config, Arithmetic::kF32).take(),
            4 * kWeights + 4 * kCacheValues);
  EXPECT_EQ(memory_needed(*folder, config, Arithmetic::kNative).take(),
            2 * kWeights + 2 * kCacheValues);
}

TEST(Load, DescribesTheDemoModel) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  ThreadPool pool(2);
  const LoadedModel loaded = load_model(path, {}, pool, silent_progress()).take();
  EXPECT_EQ(loaded.weight_types, "210 x q4_1, 1 x q8_0, 61 x f32");
  EXPECT_EQ(loaded.file_bytes, 98362432U);
  EXPECT_THAT(loaded.chat_template, HasSubstr("<|im_start|>"));
  EXPECT_EQ(loaded.tokenizer->vocab_size(), 49152U);
}

}  // namespace
}  // namespace nibble::model
