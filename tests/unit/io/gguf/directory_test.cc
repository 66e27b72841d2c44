#include "io/gguf/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "unit/io/file_builders.h"

namespace nibble::io {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Result<std::vector<GgufTensor>> parse(std::string_view text, Json* metadata = nullptr) {
  Json ignored;
  return parse_gguf(std::as_bytes(std::span(text)), metadata != nullptr ? *metadata : ignored);
}

/// The failure of a file that must be refused.
Failure refusal(const Bytes& file) {
  const auto parsed = parse(file.text());
  EXPECT_FALSE(parsed);
  return parsed ? Failure{} : parsed.failure();
}

TEST(Gguf, ReadsMetadataAndPlacesTensors) {
  Json metadata;
  const auto tensors = parse(small_gguf(), &metadata);
  ASSERT_TRUE(tensors) << tensors.failure().message;
  EXPECT_EQ(metadata["general.architecture"], "llama");
  EXPECT_EQ(metadata["llama.block_count"], 7);
  EXPECT_EQ(metadata["tokenizer.ggml.tokens"], (Json{"a", "b", "\xC4\xA0the"}));
  EXPECT_EQ(metadata["tokenizer.ggml.scores"], (Json{-1.5, 0.25}));
  ASSERT_EQ(tensors->size(), 2U);
  EXPECT_EQ((*tensors)[1].name, "w");
  EXPECT_EQ((*tensors)[1].shape, (Shape{2, 32}));
  EXPECT_EQ((*tensors)[1].type.name, "Q8_0");
  EXPECT_EQ((*tensors)[1].n_bytes, 68U);
  EXPECT_EQ((*tensors)[1].offset + 68, small_gguf().size());
}

TEST(Gguf, ReadsEveryScalarType) {
  Bytes file;
  file.gguf(2, 0, 12);
  file.string("u8").put<std::uint32_t>(0).put<std::uint8_t>(200);
  file.string("i8").put<std::uint32_t>(1).put<std::int8_t>(-100);
  file.string("u16").put<std::uint32_t>(2).put<std::uint16_t>(60000);
  file.string("i16").put<std::uint32_t>(3).put<std::int16_t>(-30000);
  file.string("u32").put<std::uint32_t>(4).put<std::uint32_t>(4000000000);
  file.string("i32").put<std::uint32_t>(5).put<std::int32_t>(-2000000000);
  file.string("f32").put<std::uint32_t>(6).put(0.5F);
  file.string("bool").put<std::uint32_t>(7).put<std::uint8_t>(1);
  file.string("text").put<std::uint32_t>(8).string("x");
  file.string("u64").put<std::uint32_t>(10).put<std::uint64_t>(18000000000000000000U);
  file.string("i64").put<std::uint32_t>(11).put<std::int64_t>(-9000000000000000000);
  file.string("f64").put<std::uint32_t>(12).put(0.1);
  Json metadata;
  ASSERT_TRUE(parse(file.text(), &metadata));
  const Json expected = {{"u8", 200},
                         {"i8", -100},
                         {"u16", 60000},
                         {"i16", -30000},
                         {"u32", 4000000000},
                         {"i32", -2000000000},
                         {"f32", 0.5},
                         {"bool", true},
                         {"text", "x"},
                         {"u64", 18000000000000000000U},
                         {"i64", -9000000000000000000},
                         {"f64", 0.1}};
  EXPECT_EQ(metadata, expected);
}

TEST(Gguf, RefusesOtherFilesAndVersions) {
  EXPECT_EQ(refusal(Bytes().raw("GGML").put<std::uint32_t>(3)).message,
            "magic at byte 0: not a GGUF file");
  EXPECT_THAT(refusal(Bytes().gguf(1, 0, 0)).message,
              HasSubstr("version at byte 4: 1, expected 2"));
  const Failure big_endian = refusal(Bytes().gguf(0x03000000, 0, 0));
  EXPECT_EQ(big_endian.code, ErrorCode::kUnsupported);
  EXPECT_THAT(big_endian.message, HasSubstr("big-endian"));
}

TEST(Gguf, RefusesCountsThatCannotBe) {
  EXPECT_EQ(refusal(Bytes().gguf(3, 65'537, 0)).message,
            "tensor count at byte 8: 65537, expected at most 65536");
  EXPECT_EQ(refusal(Bytes().gguf(3, 0, 65'537)).message,
            "key count at byte 16: 65537, expected at most 65536");
  EXPECT_EQ(refusal(Bytes().gguf(3, 1000, 0)).message,
            "tensor count at byte 8: 1000 do not fit in the 8 bytes that are left");
  EXPECT_THAT(refusal(Bytes().gguf(3, ~std::uint64_t{0}, 0)).message, StartsWith("tensor count"));
}

TEST(Gguf, RefusesStringsAndArraysLargerThanTheFile) {
  Bytes long_key;
  long_key.gguf(3, 0, 1).put<std::uint64_t>(60'000).raw("key and more");
  EXPECT_EQ(refusal(long_key).message,
            "key at byte 24: 60000 do not fit in the 12 bytes that are left");
  Bytes text;
  text.gguf(3, 0, 1).string("k").put<std::uint32_t>(8).put<std::uint64_t>(~std::uint64_t{0});
  EXPECT_EQ(refusal(text).message, "k at byte 37: 18446744073709551615, expected at most 67108864");
  Bytes array;
  array.gguf(3, 0, 1).string("k").put<std::uint32_t>(9).put<std::uint32_t>(10);
  array.put<std::uint64_t>(1'000'000);
  EXPECT_EQ(refusal(array).message,
            "k at byte 41: 1000000 do not fit in the 0 bytes that are left");
}

TEST(Gguf, RefusesNestedArraysUnknownTypesAndOddBooleans) {
  Bytes nested;
  nested.gguf(3, 0, 1).string("k").put<std::uint32_t>(9).put<std::uint32_t>(9);
  EXPECT_EQ(refusal(nested).message, "k at byte 37: an array of arrays");
  Bytes unknown;
  unknown.gguf(3, 0, 1).string("k").put<std::uint32_t>(13).put<std::uint64_t>(0);
  EXPECT_EQ(refusal(unknown).message, "k at byte 33: unknown value type 13");
  Bytes odd;
  odd.gguf(3, 0, 1).string("k").put<std::uint32_t>(7).put<std::uint8_t>(2);
  EXPECT_EQ(refusal(odd).message, "k at byte 37: 2, expected 0 or 1");
}

TEST(Gguf, RefusesNamesUsedTwice) {
  Bytes keys;
  keys.gguf(3, 0, 2).gguf_u32("k", 1).gguf_u32("k", 2);
  EXPECT_EQ(refusal(keys).message, "key 'k' at byte 41: occurs twice");
  Bytes tensors;
  tensors.gguf(3, 2, 0).gguf_tensor("t", {1}, 0, 0).gguf_tensor("t", {1}, 0, 32).pad_to(32);
  EXPECT_THAT(refusal(tensors).message, HasSubstr("tensor 't' at byte 57: occurs twice"));
}

Bytes one_tensor(std::initializer_list<std::uint64_t> dims,
                 std::uint32_t type,
                 std::uint64_t offset) {
  Bytes file;
  file.gguf(3, 1, 0).gguf_tensor("t", dims, type, offset).pad_to(32);
  return file.raw(std::string(256, '\0'));
}

TEST(Gguf, RefusesShapesThatCannotBe) {
  EXPECT_THAT(refusal(one_tensor({}, 0, 0)).message, HasSubstr("0 dimensions, expected 1 to 4"));
  EXPECT_THAT(refusal(one_tensor({1, 1, 1, 1, 1}, 0, 0)).message, HasSubstr("5 dimensions"));
  EXPECT_THAT(refusal(one_tensor({4, 0}, 0, 0)).message, HasSubstr("a dimension of 0"));
  EXPECT_THAT(refusal(one_tensor({std::uint64_t{1} << 40, std::uint64_t{1} << 40}, 0, 0)).message,
              HasSubstr("too large"));
  EXPECT_THAT(refusal(one_tensor({std::uint64_t{1} << 62}, 0, 0)).message, HasSubstr("too large"));
  EXPECT_THAT(refusal(one_tensor({48}, 2, 0)).message,
              HasSubstr("rows of 48 weights, expected a multiple of 32 for Q4_0"));
}

TEST(Gguf, RefusesTypesByName) {
  const Failure known = refusal(one_tensor({256}, 16, 0));
  EXPECT_EQ(known.code, ErrorCode::kUnsupported);
  EXPECT_THAT(known.message,
              HasSubstr("tensor 't' at byte 24: tensor type IQ2_XXS is not supported"));
  const Failure unknown = refusal(one_tensor({256}, 99, 0));
  EXPECT_EQ(unknown.code, ErrorCode::kUnsupported);
  EXPECT_THAT(unknown.message, HasSubstr("unknown tensor type 99"));
}

TEST(Gguf, RefusesOffsetsOutsideTheFileOrUnaligned) {
  EXPECT_THAT(refusal(one_tensor({4}, 0, 8)).message,
              HasSubstr("offset 8 is not a multiple of 32"));
  EXPECT_THAT(refusal(one_tensor({4}, 0, 256)).message,
              HasSubstr("16 bytes at offset 256 are past"));
  EXPECT_THAT(refusal(one_tensor({4}, 0, ~std::uint64_t{31})).message,
              HasSubstr("are past the end"));
}

TEST(Gguf, RefusesTensorsThatOverlap) {
  Bytes file;
  file.gguf(3, 2, 0).gguf_tensor("a", {16}, 0, 0).gguf_tensor("b", {4}, 0, 32).pad_to(32);
  file.raw(std::string(128, '\0'));
  EXPECT_THAT(refusal(file).message, HasSubstr("tensors 'a' and 'b' overlap at byte 128"));
}

TEST(Gguf, ObeysTheAlignmentKey) {
  for (const std::uint32_t bad : {0U, 4U, 24U, 131'072U}) {
    Bytes file;
    file.gguf(3, 0, 1).gguf_u32("general.alignment", bad);
    EXPECT_THAT(refusal(file).message, HasSubstr("expected a power of two from 8 to 65536"));
  }
  Bytes file;
  file.gguf(3, 1, 1).gguf_u32("general.alignment", 64).gguf_tensor("t", {4}, 0, 64).pad_to(64);
  file.raw(std::string(80, '\0'));
  const auto tensors = parse(file.text());
  ASSERT_TRUE(tensors) << tensors.failure().message;
  EXPECT_EQ((*tensors)[0].offset + 16, file.text().size());
}

TEST(Gguf, EveryTruncationIsRefused) {
  const std::string file = small_gguf();
  ASSERT_TRUE(parse(file));
  for (std::size_t n = 0; n < file.size(); ++n) {
    const auto parsed = parse(std::string_view(file).substr(0, n));
    ASSERT_FALSE(parsed) << "cut at " << n;
    EXPECT_FALSE(parsed.failure().message.empty());
  }
}

TEST(Gguf, AFlippedBitIsRefusedOrLeavesTensorsInsideTheFile) {
  const std::string file = small_gguf();
  std::mt19937 rng(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = file;
    for (auto flips = 1 + rng() % 3; flips > 0; --flips) {
      char& byte = damaged[rng() % damaged.size()];
      byte = static_cast<char>(byte ^ (1 << (rng() % 8)));
    }
    const auto parsed = parse(damaged);
    if (!parsed) {
      continue;
    }
    for (const GgufTensor& tensor : *parsed) {
      ASSERT_LE(tensor.offset, damaged.size());
      ASSERT_LE(tensor.n_bytes, damaged.size() - tensor.offset);
    }
  }
}

}  // namespace
}  // namespace nibble::io
