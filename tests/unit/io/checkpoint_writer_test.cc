#include "io/checkpoint_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "codec/codecs.h"
#include "codec/dense.h"
#include "codec/int_group.h"
#include "io/gguf/directory.h"
#include "support/files.h"
#include "unit/io/file_builders.h"

namespace nibble::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
namespace fs = std::filesystem;

codec::EncodedMatrix int4_matrix() {
  codec::IntGroupFormat format;
  format.bits = 4;
  format.group = 8;
  codec::IntGroupCodes codes;
  for (std::size_t i = 0; i < 32; ++i) {
    codes.codes.push_back(static_cast<std::uint8_t>(i % 16));
  }
  codes.scales = {0.5F, 1, 2, 4};
  codes.zeros = {8, 7, 6, 5};
  return codec::pack_int_group(format, 2, 16, codes);
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

class CheckpointWriterTest : public ::testing::Test {
 protected:
  testing::TempFolder folder_;
  fs::path out_ = folder_ / "out";
};

TEST_F(CheckpointWriterTest, AnEncodedFolderIsReadBackEqual) {
  const codec::EncodedMatrix matrix = int4_matrix();
  auto writer = CheckpointWriter::create(out_).take();
  writer.add_tensor("layer.w", matrix).take();
  const std::vector<float> norm = {1, 2, 3};
  writer.add_tensor("norm", Tensor::from<float>(DType::kF32, {3}, norm)).take();
  writer.add_companion("tokenizer.json", "{\"model\": {}}").take();
  writer.finish({{"model_type", "llama"}, {"quantization_config", {{"quant_method", "nibble"}}}})
      .take();

  EXPECT_THAT(names_in(folder_.path()), ElementsAre("out"));
  EXPECT_THAT(names_in(out_),
              UnorderedElementsAre("config.json", "model.safetensors", "tokenizer.json"));
  const auto checkpoint = open_checkpoint(out_).take();
  EXPECT_EQ(checkpoint->metadata()["quantization_config"]["quant_method"], "nibble");
  EXPECT_EQ(checkpoint->companion("tokenizer.json").take(), "{\"model\": {}}");
  EXPECT_THAT(checkpoint->names(), UnorderedElementsAre("layer.w", "norm"));
  const StoredTensor w = checkpoint->tensor("layer.w").take();
  EXPECT_EQ(w.matrix.codec->name(), matrix.codec->name());
  EXPECT_EQ(codec::decode_all(w.matrix), codec::decode_all(matrix));
  EXPECT_EQ(checkpoint->tensor("norm").take().shape, (Shape{3}));
}

TEST_F(CheckpointWriterTest, TensorsOfAnotherCheckpointKeepShapeAndBytes) {
  testing::write_file(folder_ / "small.gguf", small_gguf());
  const auto source = open_gguf(folder_ / "small.gguf").take();
  auto writer = CheckpointWriter::create(out_).take();
  for (const std::string& name : source->names()) {
    writer.add_tensor(source->tensor(name).take()).take();
  }
  writer.finish(Json::object()).take();
  const auto copy = open_checkpoint(out_).take();
  for (const std::string& name : source->names()) {
    const StoredTensor from = source->tensor(name).take();
    const StoredTensor to = copy->tensor(name).take();
    EXPECT_EQ(to.shape, from.shape) << name;
    EXPECT_EQ(to.matrix.codec->name(), from.matrix.codec->name()) << name;
    EXPECT_EQ(codec::decode_all(to.matrix), codec::decode_all(from.matrix)) << name;
  }
}

TEST_F(CheckpointWriterTest, NothingAppearsWithoutFinish) {
  {
    auto writer = CheckpointWriter::create(out_).take();
    writer.add_tensor("w", int4_matrix()).take();
    EXPECT_FALSE(fs::exists(out_));
  }
  EXPECT_TRUE(names_in(folder_.path()).empty());
}

TEST_F(CheckpointWriterTest, ADiskThatIsTooSmallIsRefusedBeforeAnyWork) {
  const auto refused = CheckpointWriter::create(folder_ / "out", std::size_t{1} << 60);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.failure().code, ErrorCode::kIo);
  EXPECT_THAT(refused.failure().message,
              HasSubstr("out: writing needs 2147483648.0 GiB of disk, "));
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(CheckpointWriterTest, LeftoversOfADeadProcessGoAway) {
  fs::create_directory(folder_ / "out.tmp.999999999");
  testing::write_file(folder_ / "out.tmp.999999999" / "model.safetensors", "x");
  fs::create_directory(folder_ / "out.tmp.mine");
  CheckpointWriter::create(out_).take();
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("out.tmp.mine"));
}

TEST_F(CheckpointWriterTest, AnExistingFolderIsNotTouched) {
  fs::create_directory(out_);
  EXPECT_TRUE(CheckpointWriter::create(out_));
  testing::write_file(out_ / "precious", "x");
  const auto refused = CheckpointWriter::create(out_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.failure().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.failure().message, HasSubstr("out: exists already"));
  EXPECT_EQ(testing::read_file(out_ / "precious"), "x");
}

TEST_F(CheckpointWriterTest, RefusesWhatCouldNotBeReadBack) {
  auto writer = CheckpointWriter::create(out_).take();
  codec::EncodedMatrix broken = int4_matrix();
  broken.rows = 3;
  EXPECT_EQ(writer.add_tensor("w", broken).failure().code, ErrorCode::kInvalidArgument);
  writer.add_tensor("w", int4_matrix()).take();
  EXPECT_THAT(writer.add_tensor("w", int4_matrix()).failure().message, HasSubstr("added twice"));
  EXPECT_EQ(writer.add_companion("../x", "").failure().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(writer.add_companion("config.json", "").failure().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace nibble::io
