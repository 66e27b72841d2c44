#include "io/gguf/writer.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "codec/dense.h"
#include "codec/gguf_blocks.h"
#include "codec/int_group.h"
#include "io/gguf/directory.h"
#include "support/files.h"
#include "unit/io/file_builders.h"

namespace nibble::io {
namespace {

using nibble::testing::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

StoredTensor vector_of(std::string name, const std::vector<float>& values) {
  return {std::move(name),
          {values.size()},
          codec::dense_matrix(Tensor::from<float>(DType::kF32, {1, values.size()}, values))};
}

StoredTensor q8_of_two_rows(std::string name) {
  const auto codec = codec::gguf_block_codec("q8_0");
  Bytes blocks;
  for (int row = 0; row < 2; ++row) {
    blocks.put<std::uint16_t>(0x3C00);
    for (int i = 0; i < 32; ++i) {
      blocks.put(static_cast<std::int8_t>(i - 16 * row));
    }
  }
  Tensor bytes = Tensor::make(DType::kU8, {2, 34});
  std::ranges::copy(blocks.bytes(), bytes.mutable_bytes().begin());
  return {std::move(name), {2, 32}, codec::block_matrix(codec, 2, 32, std::move(bytes))};
}

TEST(GgufWriter, WritesTheBytesOfAFileMadeByHand) {
  const TempFolder folder;
  auto writer = GgufWriter::create(folder / "small.gguf").take();
  writer.set("general.architecture", std::string("llama")).take();
  writer.set("llama.block_count", std::uint32_t{7}).take();
  writer.set("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "\xC4\xA0the"}).take();
  writer.set("tokenizer.ggml.scores", std::vector<float>{-1.5F, 0.25F}).take();
  writer.add_tensor(vector_of("norm", {1, 2, 3})).take();
  writer.add_tensor(q8_of_two_rows("w")).take();
  writer.finish().take();
  auto expected = small_gguf();
  expected.resize((expected.size() + 31) / 32 * 32);  // the writer pads the last tensor, too
  EXPECT_EQ(nibble::testing::read_file(folder / "small.gguf"), expected);
}

TEST(GgufWriter, EveryValueTypeReadsBack) {
  const TempFolder folder;
  auto writer = GgufWriter::create(folder / "a.gguf").take();
  writer.set("u", std::uint32_t{4000000000U}).take();
  writer.set("i", std::int32_t{-5}).take();
  writer.set("f", 0.5F).take();
  writer.set("b", true).take();
  writer.set("s", std::string("text")).take();
  writer.set("is", std::vector<std::int32_t>{1, -2}).take();
  writer.add_tensor(vector_of("t", {1})).take();
  writer.finish().take();
  const auto file = open_gguf(folder / "a.gguf").take();
  const Json expected = {
      {"u", 4000000000U}, {"i", -5}, {"f", 0.5F}, {"b", true}, {"s", "text"}, {"is", {1, -2}}};
  EXPECT_EQ(file->metadata(), expected);
}

TEST(GgufWriter, RefusesNamesTwiceAndCodecsWithoutAType) {
  const TempFolder folder;
  auto writer = GgufWriter::create(folder / "a.gguf").take();
  writer.set("k", true).take();
  EXPECT_THAT(writer.set("k", true).failure().message, HasSubstr("key 'k': set twice"));
  writer.add_tensor(vector_of("t", {1})).take();
  EXPECT_THAT(writer.add_tensor(vector_of("t", {1})).failure().message, HasSubstr("added twice"));
  StoredTensor other = vector_of("w", {1});
  other.matrix.codec = codec::int_group_codec({4, 32, codec::ZeroKind::kMiddle});
  EXPECT_THAT(writer.add_tensor(other).failure().message,
              HasSubstr("GGUF has no type for what codec 'int4g32s' stores"));
}

TEST(GgufWriter, NothingStandsThereBeforeTheEnd) {
  const TempFolder folder;
  {
    auto writer = GgufWriter::create(folder / "a.gguf").take();
    writer.add_tensor(vector_of("t", {1})).take();
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "a.gguf"));
}

}  // namespace
}  // namespace nibble::io
