#include "io/hugging_face.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/files.h"
#include "unit/io/file_builders.h"

namespace nibble::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string one_byte_tensor(std::string_view name, char value) {
  return safetensors_bytes(
      fmt::format(R"({{"{}":{{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}}})", name),
      std::string(1, value));
}

class HuggingFaceTest : public ::testing::Test {
 protected:
  void SetUp() override { write("config.json", R"({"model_type": "llama"})"); }
  void write(std::string_view name, std::string_view content) {
    testing::write_file(folder_ / name, content);
  }
  std::unique_ptr<Checkpoint> open() { return open_hugging_face(folder_.path()).take(); }
  Failure refusal() {
    const auto opened = open_hugging_face(folder_.path());
    EXPECT_FALSE(opened);
    return opened ? Failure{} : opened.failure();
  }
  void write_shards(std::string_view second_file) {
    write("model-1.safetensors", one_byte_tensor("a", 'x'));
    write("model-2.safetensors", one_byte_tensor("b", 'y'));
    write(
        "model.safetensors.index.json",
        fmt::format(R"({{"weight_map": {{"a": "model-1.safetensors", "b": "{}"}}}})", second_file));
  }
  testing::TempFolder folder_;
};

TEST_F(HuggingFaceTest, ReadsAFolderWithOneWeightFile) {
  write("model.safetensors", one_byte_tensor("a", 'x'));
  write("tokenizer.json", "{}");
  const auto checkpoint = open();
  EXPECT_EQ(checkpoint->container(), Container::kHuggingFace);
  EXPECT_EQ(checkpoint->metadata()["model_type"], "llama");
  EXPECT_THAT(checkpoint->names(), ElementsAre("a"));
  EXPECT_EQ(checkpoint->tensor("a").take().matrix.codec->name(), "u8");
  EXPECT_EQ(checkpoint->companion("tokenizer.json").take(), "{}");
  EXPECT_EQ(checkpoint->companion("tokenizer.model").failure().code, ErrorCode::kNotFound);
  EXPECT_EQ(checkpoint->file_bytes(), one_byte_tensor("a", 'x').size());
}

TEST_F(HuggingFaceTest, ReadsShards) {
  write_shards("model-2.safetensors");
  const auto checkpoint = open();
  EXPECT_THAT(checkpoint->names(), ElementsAre("a", "b"));
  EXPECT_EQ(codec::decode_all(checkpoint->tensor("b").take().matrix).front(), 121.0F);
}

TEST_F(HuggingFaceTest, RefusesShardNamesThatLeaveTheFolder) {
  for (const std::string_view name :
       {"../model-2.safetensors", "/etc/passwd", "..", "a/../model-2.safetensors", "model-2.bin"}) {
    write_shards(name);
    const Failure why = refusal();
    EXPECT_EQ(why.code, ErrorCode::kCorruptData) << name;
    EXPECT_THAT(why.message,
                HasSubstr("weight_map of 'b': expected the name of a .safetensors file"));
  }
}

TEST_F(HuggingFaceTest, RefusesAnIndexThatDoesNotFit) {
  write_shards("model-1.safetensors");
  EXPECT_THAT(refusal().message, HasSubstr("index.json: 'b' is not in model-1.safetensors"));
  write_shards("model-3.safetensors");
  EXPECT_EQ(refusal().code, ErrorCode::kNotFound);
  write("model.safetensors.index.json", "{}");
  EXPECT_THAT(refusal().message, HasSubstr("index.json: no weight_map"));
  write("model.safetensors.index.json", "{\n\"weight_map\": }");
  EXPECT_THAT(refusal().message, HasSubstr("index.json:2:15: "));
}

TEST_F(HuggingFaceTest, SaysWhichFileIsMissing) {
  EXPECT_THAT(refusal().message, HasSubstr("neither model.safetensors nor"));
  write("pytorch_model.bin", "x");
  EXPECT_EQ(refusal().code, ErrorCode::kUnsupported);
  std::filesystem::remove(folder_ / "config.json");
  EXPECT_EQ(refusal().code, ErrorCode::kNotFound);
  EXPECT_THAT(refusal().message, HasSubstr("no config.json, expected a Hugging Face folder"));
}

TEST_F(HuggingFaceTest, RefusesAMalformedConfig) {
  write("model.safetensors", one_byte_tensor("a", 'x'));
  write("config.json", "{\n  \"a\": 1,\n}");
  EXPECT_THAT(refusal().message, HasSubstr("config.json:3:1: "));
  write("config.json", "[]");
  EXPECT_THAT(refusal().message, HasSubstr("config.json: expected a JSON object"));
}

TEST_F(HuggingFaceTest, HashChangesWithWeightsAndConfig) {
  write("model.safetensors", one_byte_tensor("a", 'x'));
  const std::string first = open()->hash();
  EXPECT_EQ(first.size(), 64U);
  EXPECT_EQ(open()->hash(), first);
  write("tokenizer.json", "{}");
  EXPECT_EQ(open()->hash(), first);
  write("model.safetensors", one_byte_tensor("a", 'y'));
  const std::string second = open()->hash();
  EXPECT_NE(second, first);
  write("config.json", R"({"model_type": "qwen2"})");
  EXPECT_NE(open()->hash(), second);
}

TEST_F(HuggingFaceTest, CompanionsStayInTheFolder) {
  write("model.safetensors", one_byte_tensor("a", 'x'));
  for (const std::string_view name : {"", ".", "..", "../x", "/etc/passwd", "a/b"}) {
    EXPECT_EQ(open()->companion(name).failure().code, ErrorCode::kInvalidArgument) << name;
  }
}

}  // namespace
}  // namespace nibble::io
