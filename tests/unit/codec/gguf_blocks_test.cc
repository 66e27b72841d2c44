#include "codec/gguf_blocks.h"

#include <gtest/gtest.h>

#include <bit>

#include "support/files.h"
#include "support/golden_tensors.h"

namespace nibble::codec {
namespace {

using ::nibble::testing::GoldenTensor;
using ::nibble::testing::GoldenTensors;

std::string lower(std::string text) {
  for (char& c : text) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

EncodedMatrix matrix_of(const std::shared_ptr<const BlockCodec>& codec,
                        const GoldenTensor& bytes,
                        std::size_t cols) {
  std::vector<std::uint8_t> raw(bytes.values.begin(), bytes.values.end());
  Tensor blocks = Tensor::from<std::uint8_t>(DType::kU8, bytes.shape, raw);
  return block_matrix(codec, bytes.rows(), cols, std::move(blocks));
}

/// Compares each "CASE.TYPE.deq" of the file with what "CASE.TYPE.bytes" decode to, bit by bit.
std::size_t compare_file(const std::filesystem::path& path) {
  const GoldenTensors golden(path);
  std::size_t n = 0;
  for (const std::string& name : golden.names()) {
    if (!name.ends_with(".deq")) {
      continue;
    }
    const std::string stem = name.substr(0, name.size() - 4);
    const auto codec = gguf_block_codec(lower(stem.substr(stem.find('.') + 1)));
    const GoldenTensor& expected = golden.at(name);
    if (codec == nullptr) {
      ADD_FAILURE() << "no codec for " << stem;
      continue;
    }
    const EncodedMatrix matrix = matrix_of(codec, golden.at(stem + ".bytes"), expected.cols());
    EXPECT_TRUE(codec->validate(matrix)) << stem;
    std::vector<float> values(expected.values.size());
    codec->decode_rows(matrix, 0, expected.rows(), values.data());
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (std::bit_cast<std::uint32_t>(values[i]) !=
          std::bit_cast<std::uint32_t>(expected.values[i])) {
        ADD_FAILURE() << stem << " weight " << i << ": " << values[i] << ", expected "
                      << expected.values[i];
        break;
      }
    }
    ++n;
  }
  return n;
}

TEST(GgufBlocks, DecodesAllTypesBitEqualToGgml) {
  NIBBLE_NEEDS_FILE(path, testing::golden("quant/gguf_blocks.safetensors"));
  EXPECT_EQ(compare_file(path), 18U);  // all 12 types on "edge", the 6 small ones on "small"
}

TEST(GgufBlocks, DecodesTheLargerSetBitEqualToGgml) {
  NIBBLE_NEEDS_FILE(path, testing::golden("quant/gguf.safetensors"));
  EXPECT_GE(compare_file(path), 18U);
}

TEST(GgufBlocks, KnowsTheTwelveTypesByName) {
  EXPECT_EQ(gguf_block_names().size(), 12U);
  for (const std::string_view name : gguf_block_names()) {
    const auto codec = gguf_block_codec(name);
    ASSERT_NE(codec, nullptr) << name;
    EXPECT_EQ(codec->name(), name);
  }
  EXPECT_EQ(gguf_block_codec("q4_2"), nullptr);
  EXPECT_EQ(gguf_block_codec("Q4_0"), nullptr);
}

TEST(GgufBlocks, BitsPerWeightAreThoseOfTheFormat) {
  EXPECT_EQ(gguf_block_codec("q4_0")->bits_per_weight(1, 32), 4.5);
  EXPECT_EQ(gguf_block_codec("q8_0")->bits_per_weight(1, 32), 8.5);
  EXPECT_EQ(gguf_block_codec("q2_k")->bits_per_weight(1, 256), 2.625);
  EXPECT_EQ(gguf_block_codec("q6_k")->bits_per_weight(1, 256), 6.5625);
  EXPECT_EQ(gguf_block_codec("iq4_xs")->bits_per_weight(1, 256), 4.25);
}

}  // namespace
}  // namespace nibble::codec
