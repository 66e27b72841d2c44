#include "io/safetensors_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/files.h"

namespace nibble::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

Tensor bytes_tensor(std::vector<std::uint8_t> values) {
  const std::size_t n = values.size();
  return Tensor::from<std::uint8_t>(DType::kU8, {n}, values);
}

Tensor float_tensor(std::vector<float> values) {
  const std::size_t n = values.size();
  return Tensor::from<float>(DType::kF32, {n}, values);
}

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

class SafetensorsWriterTest : public ::testing::Test {
 protected:
  std::string write(bool reversed) {
    const fs::path path = folder_ / (reversed ? "r.safetensors" : "f.safetensors");
    auto writer = SafetensorsWriter::create(path).take();
    std::vector<std::pair<std::string, Tensor>> tensors = {
        {"odd", bytes_tensor({1, 2, 3})}, {"z", float_tensor({1.5F})}, {"a", float_tensor({2, 3})}};
    if (reversed) {
      std::ranges::reverse(tensors);
    }
    for (const auto& [name, tensor] : tensors) {
      writer.add(name, tensor).take();
    }
    writer.set_metadata("format", "pt");
    writer.finish().take();
    return testing::read_file(path);
  }
  testing::TempFolder folder_;
};

TEST_F(SafetensorsWriterTest, WhatIsWrittenIsReadBack) {
  write(false);
  const SafetensorsFile file = SafetensorsFile::open(folder_ / "f.safetensors").take();
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_THAT(file.tensor("odd").take().as<std::uint8_t>(), ElementsAre(1, 2, 3));
  EXPECT_THAT(file.tensor("a").take().as<float>(), ElementsAre(2, 3));
  EXPECT_THAT(file.tensor("z").take().as<float>(), ElementsAre(1.5F));
}

TEST_F(SafetensorsWriterTest, MetadataMayChangeOnceTheFileIsLaidOut) {
  const std::string wanted = write(false);
  for (const char* before : {"pt", "xy", "longer"}) {
    SCOPED_TRACE(before);
    const fs::path path = folder_ / "l.safetensors";
    auto writer = SafetensorsWriter::create(path).take();
    writer.add("odd", bytes_tensor({1, 2, 3})).take();
    writer.add("z", float_tensor({1.5F})).take();
    writer.add("a", float_tensor({2, 3})).take();
    writer.set_metadata("format", before);
    writer.lay_out().take();
    EXPECT_FALSE(fs::exists(path));
    writer.set_metadata("format", "pt");
    writer.finish().take();
    EXPECT_EQ(testing::read_file(path), wanted);
    fs::remove(path);
    EXPECT_EQ(files_in(folder_.path()), 1U) << "something was left behind";
  }
}

TEST_F(SafetensorsWriterTest, EveryTensorIsAlignedAndTheHeaderToo) {
  write(false);
  const SafetensorsFile file = SafetensorsFile::open(folder_ / "f.safetensors").take();
  EXPECT_EQ(file.entries().front().begin % 8, 0U);
  for (const SafetensorsEntry& entry : file.entries()) {
    EXPECT_EQ(entry.begin % dtype_bytes(entry.dtype), 0U) << entry.name;
  }
  EXPECT_EQ(file.entries().back().name, "odd");
}

TEST_F(SafetensorsWriterTest, TheOrderOfAddingDoesNotMatter) {
  EXPECT_EQ(write(false), write(true));
}

TEST_F(SafetensorsWriterTest, NothingIsLeftWithoutFinish) {
  {
    auto writer = SafetensorsWriter::create(folder_ / "x.safetensors").take();
    writer.add("a", float_tensor({1})).take();
    EXPECT_EQ(files_in(folder_.path()), 0U);
  }
  EXPECT_EQ(files_in(folder_.path()), 0U);
}

TEST_F(SafetensorsWriterTest, RefusesBadNames) {
  auto writer = SafetensorsWriter::create(folder_ / "x.safetensors").take();
  writer.add("a", float_tensor({1})).take();
  EXPECT_THAT(writer.add("a", float_tensor({1})).failure().message,
              HasSubstr("x.safetensors: tensor 'a': added twice"));
  EXPECT_EQ(writer.add("__metadata__", float_tensor({1})).failure().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(writer.add("\xFF", float_tensor({1})).failure().code, ErrorCode::kInvalidArgument);
}

TEST_F(SafetensorsWriterTest, AFolderThatIsNotThereIsAnIoError) {
  const auto writer = SafetensorsWriter::create(folder_ / "none" / "x.safetensors");
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.failure().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace nibble::io
