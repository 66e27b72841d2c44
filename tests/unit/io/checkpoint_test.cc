#include "io/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/files.h"
#include "unit/io/file_builders.h"

namespace nibble::io {
namespace {

using ::testing::HasSubstr;

class CheckpointTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Checkpoint>> open(std::string_view name, std::string_view content) {
    testing::write_file(folder_ / name, content);
    return open_checkpoint(folder_ / name);
  }
  testing::TempFolder folder_;
};

TEST_F(CheckpointTest, TellsContainersByContent) {
  EXPECT_EQ(open("model.bin", small_gguf()).take()->container(), Container::kGguf);
  testing::write_file(folder_ / "config.json", "{}");
  testing::write_file(folder_ / "model.safetensors", safetensors_bytes("{}", ""));
  EXPECT_EQ(open_checkpoint(folder_.path()).take()->container(), Container::kHuggingFace);
}

TEST_F(CheckpointTest, SaysWhyAPathIsNoModel) {
  const auto missing = open_checkpoint(folder_ / "none.gguf");
  EXPECT_EQ(missing.failure().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.failure().message, HasSubstr("none.gguf: no such file or folder"));
  EXPECT_THAT(open("m.gguf", "GG").failure().message, HasSubstr("neither a GGUF file"));
  EXPECT_THAT(open("m.gguf", "").failure().message, HasSubstr("neither a GGUF file"));
  EXPECT_THAT(open("m.pth", "PK").failure().message, HasSubstr("convert it to safetensors"));
  EXPECT_THAT(open("m.safetensors", "x").failure().message, HasSubstr("name the folder"));
}

TEST_F(CheckpointTest, FailuresNameTheFile) {
  const auto cut = open("cut.gguf", small_gguf().substr(0, 40));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.failure().code, ErrorCode::kCorruptData);
  EXPECT_THAT(cut.failure().message, HasSubstr("cut.gguf: tensor count at byte 8"));
}

}  // namespace
}  // namespace nibble::io
