#include "io/tensor_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/files.h"
#include "unit/io/file_builders.h"

namespace nibble::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Two rows of 32 weights in q8_0, all 1.0 * q.
std::string q8_blocks() {
  Bytes blocks;
  for (int row = 0; row < 2; ++row) {
    blocks.put<std::uint16_t>(0x3C00);
    for (int i = 0; i < 32; ++i) {
      blocks.put(static_cast<std::int8_t>(i + row));
    }
  }
  return blocks.text();
}

std::string encoded_header(std::string_view codecs, std::string_view part = "blocks") {
  return fmt::format(R"({{"__metadata__":{{"nibble.codecs":"{}"}},)"
                     R"("w.{}":{{"dtype":"U8","shape":[2,34],"data_offsets":[0,68]}}}})",
                     codecs,
                     part);
}

class TensorDirectoryTest : public ::testing::Test {
 protected:
  SafetensorsFile file(std::string_view name, std::string_view header, std::string_view data) {
    testing::write_file(folder_ / name, safetensors_bytes(header, data));
    return SafetensorsFile::open(folder_ / name).take();
  }
  Result<TensorDirectory> build(std::string_view header, std::string_view data) {
    std::vector<SafetensorsFile> files;
    files.push_back(file("m.safetensors", header, data));
    return TensorDirectory::build(std::move(files));
  }
  testing::TempFolder folder_;
};

TEST_F(TensorDirectoryTest, PutsAnEncodedWeightTogether) {
  const auto directory =
      build(encoded_header(R"({\"w\":{\"codec\":\"q8_0\",\"shape\":[2,32]}})"), q8_blocks()).take();
  EXPECT_THAT(directory.names(), ElementsAre("w"));
  EXPECT_TRUE(directory.has("w"));
  EXPECT_FALSE(directory.has("w.blocks"));
  const StoredTensor w = directory.tensor("w").take();
  EXPECT_EQ(w.shape, (Shape{2, 32}));
  EXPECT_EQ(w.matrix.codec->name(), "q8_0");
  EXPECT_EQ(codec::decode_all(w.matrix)[33], 2.0F);
}

TEST_F(TensorDirectoryTest, RefusesPartsThatTheCodecDoesNotAccept) {
  const auto directory =
      build(encoded_header(R"({\"w\":{\"codec\":\"q8_0\",\"shape\":[2,64]}})"), q8_blocks()).take();
  const auto w = directory.tensor("w");
  ASSERT_FALSE(w);
  EXPECT_THAT(w.failure().message,
              HasSubstr("w (q8_0): q8_0: blocks of shape [2, 34], expected [2, 68]"));
}

TEST_F(TensorDirectoryTest, RefusesMalformedCodecEntries) {
  const auto message = [&](std::string_view codecs) {
    return build(encoded_header(codecs), q8_blocks()).failure().message;
  };
  EXPECT_THAT(message("{"), HasSubstr("m.safetensors: nibble.codecs:1:2: "));
  EXPECT_THAT(message("[]"), HasSubstr("expected an object"));
  EXPECT_THAT(message(R"({\"w\":3})"), HasSubstr("'w': expected an object with codec and shape"));
  EXPECT_THAT(message(R"({\"w\":{\"codec\":\"q9\",\"shape\":[2,32]}})"),
              HasSubstr("unknown codec 'q9'"));
  EXPECT_THAT(message(R"({\"w\":{\"codec\":\"q8_0\",\"shape\":[]}})"),
              HasSubstr("shape must be a list"));
  EXPECT_THAT(message(R"({\"w\":{\"codec\":\"int8cs\",\"shape\":[2,0]}})"),
              HasSubstr("whole numbers above 0"));
  EXPECT_THAT(message(R"({\"w\":{\"codec\":\"q8_0\",\"shape\":[-2,32]}})"),
              HasSubstr("shape must be a list"));
  EXPECT_THAT(message(R"({\"v\":{\"codec\":\"q8_0\",\"shape\":[2,32]}})"),
              HasSubstr("no parts of 'v'"));
}

TEST_F(TensorDirectoryTest, RefusesANameInTwoFiles) {
  const std::string_view header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  std::vector<SafetensorsFile> files;
  files.push_back(file("1.safetensors", header, "x"));
  files.push_back(file("2.safetensors", header, "y"));
  const auto directory = TensorDirectory::build(std::move(files));
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.failure().message, HasSubstr("2.safetensors: tensor 'a' occurs twice"));
}

TEST_F(TensorDirectoryTest, SaysWhatIsMissing) {
  const auto directory =
      build(R"({"norm.weight":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x").take();
  EXPECT_EQ(directory.tensor("norm.weigth").failure().message,
            "no tensor 'norm.weigth' (did you mean 'norm.weight'?)");
}

}  // namespace
}  // namespace nibble::io
