#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "io/gguf/directory.h"
#include "support/files.h"
#include "unit/io/file_builders.h"

namespace nibble::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class GgufCheckpointTest : public ::testing::Test {
 protected:
  std::unique_ptr<Checkpoint> open(std::string_view content) {
    testing::write_file(path_, content);
    return open_gguf(path_).take();
  }
  testing::TempFolder folder_;
  std::filesystem::path path_ = folder_ / "small.gguf";
};

TEST_F(GgufCheckpointTest, GivesTensorsByName) {
  const auto checkpoint = open(small_gguf());
  EXPECT_EQ(checkpoint->container(), Container::kGguf);
  EXPECT_EQ(checkpoint->path(), path_);
  EXPECT_EQ(checkpoint->file_bytes(), small_gguf().size());
  EXPECT_THAT(checkpoint->names(), ElementsAre("norm", "w"));
  EXPECT_TRUE(checkpoint->has("w"));
  EXPECT_FALSE(checkpoint->has("v"));
  EXPECT_EQ(checkpoint->metadata()["llama.block_count"], 7);

  const StoredTensor norm = checkpoint->tensor("norm").take();
  EXPECT_EQ(norm.shape, (Shape{3}));
  EXPECT_EQ(norm.matrix.rows, 1U);
  EXPECT_THAT(codec::decode_all(norm.matrix), ElementsAre(1, 2, 3));

  const StoredTensor w = checkpoint->tensor("w").take();
  EXPECT_EQ(w.matrix.codec->name(), "q8_0");
  EXPECT_TRUE(w.matrix.codec->validate(w.matrix));
  const std::vector<float> values = codec::decode_all(w.matrix);
  EXPECT_EQ(values[31], 31.0F);
  EXPECT_EQ(values[32], -16.0F);
}

TEST_F(GgufCheckpointTest, TensorsKeepTheFileMapped) {
  auto checkpoint = open(small_gguf());
  const StoredTensor w = checkpoint->tensor("w").take();
  checkpoint.reset();
  EXPECT_EQ(codec::decode_all(w.matrix)[1], 1.0F);
}

TEST_F(GgufCheckpointTest, HashIsThatOfTheFile) {
  const auto checkpoint = open(small_gguf());
  EXPECT_EQ(checkpoint->hash(), sha256_hex(small_gguf()));
  EXPECT_EQ(checkpoint->hash(), sha256_hex(small_gguf()));
}

TEST_F(GgufCheckpointTest, SaysWhatIsMissing) {
  const auto checkpoint = open(small_gguf());
  const auto missing = checkpoint->tensor("norn");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.failure().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.failure().message, HasSubstr("no tensor 'norn' (did you mean 'norm'?)"));
  EXPECT_EQ(checkpoint->companion("tokenizer.json").failure().code, ErrorCode::kNotFound);
}

TEST_F(GgufCheckpointTest, RefusesAPartOfAModel) {
  Bytes file;
  file.gguf(3, 0, 1).gguf_u32("split.count", 3);
  testing::write_file(path_, file.text());
  const auto opened = open_gguf(path_);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.failure().message, HasSubstr("small.gguf: split.count: one of 3 parts"));
}

TEST_F(GgufCheckpointTest, OpensTheDemoModel) {
  NIBBLE_NEEDS_FILE(path, testing::demo_model());
  const auto checkpoint = open_gguf(path).take();
  EXPECT_EQ(checkpoint->names().size(), 272U);
  EXPECT_EQ(checkpoint->metadata()["tokenizer.ggml.tokens"].size(), 49152U);
  const StoredTensor q = checkpoint->tensor("blk.0.attn_q.weight").take();
  EXPECT_EQ(q.shape, (Shape{576, 576}));
  EXPECT_EQ(q.matrix.codec->name(), "q4_1");
}

}  // namespace
}  // namespace nibble::io
