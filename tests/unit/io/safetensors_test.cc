#include "io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "support/files.h"
#include "unit/io/file_builders.h"

namespace nibble::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kHeader = R"({"b":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                                     R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[3,11]}})";

std::string small_file() {
  return safetensors_bytes(kHeader, Bytes().raw("xyz").put(1.5F).put(-2.0F).text());
}

Result<SafetensorsHeader> parse(std::string_view text) {
  return parse_safetensors(std::as_bytes(std::span(text)));
}

std::string refusal(std::string_view header, std::string_view data) {
  const auto parsed = parse(safetensors_bytes(header, data));
  EXPECT_FALSE(parsed) << header;
  return parsed ? "" : parsed.failure().message;
}

TEST(Safetensors, ReadsTensorsAlsoMisalignedOnes) {
  const testing::TempFolder folder;
  testing::write_file(folder / "m.safetensors", small_file());
  const SafetensorsFile file = SafetensorsFile::open(folder / "m.safetensors").take();
  ASSERT_EQ(file.entries().size(), 2U);
  EXPECT_EQ(file.entries()[0].name, "b");
  const Tensor a = file.tensor("a").take();  // begins at an odd byte
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.bytes().data()) % alignof(float), 0U);
  EXPECT_THAT(a.as<float>(), ElementsAre(1.5F, -2.0F));
  EXPECT_EQ(a.shape(), (Shape{2, 1}));
  EXPECT_THAT(file.tensor("c").failure().message, HasSubstr("m.safetensors: no tensor 'c'"));
}

TEST(Safetensors, AnEmptyTensorTakesNoBytes) {
  const auto parsed =
      parse(safetensors_bytes(R"({"e":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]},)"
                              R"("f":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                              "x"));
  ASSERT_TRUE(parsed) << parsed.failure().message;
  EXPECT_EQ(parsed->entries[0].name, "e");
}

TEST(Safetensors, RefusesAHeaderLargerThanTheFileOrTheBound) {
  EXPECT_EQ(parse(Bytes().put<std::uint64_t>(1000).raw("{}").text()).failure().message,
            "header length at byte 0: 1000 do not fit in the 2 bytes that are left");
  EXPECT_EQ(parse(Bytes().put<std::uint64_t>(100'000'001).raw("{}").text()).failure().message,
            "header length at byte 0: 100000001, expected at most 100000000");
  EXPECT_EQ(parse("abc").failure().message,
            "header length at byte 0: 8 bytes expected, the file ends after 3");
}

TEST(Safetensors, RefusesOffsetsThatDoNotFit) {
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "1234"),
              HasSubstr("tensor 'a': data_offsets [0, 8] are not inside the 4 bytes of data"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[4,2]}})", "1234"),
              HasSubstr("data_offsets [4, 2] are not inside"));
  EXPECT_EQ(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "1234"),
            "tensor 'a': data_offsets [0, 4] do not hold F32 [2]");
}

TEST(Safetensors, RefusesAShapeWhoseProductWraps) {
  EXPECT_THAT(
      refusal(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", ""),
      HasSubstr("do not hold F32 [4294967296, 4294967296]"));
  EXPECT_THAT(
      refusal(R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", ""),
      HasSubstr("do not hold"));
}

TEST(Safetensors, RefusesOverlapsHolesAndLeftOverBytes) {
  const auto two = [](std::string_view second) {
    return fmt::format(R"({{"a":{{"dtype":"U8","shape":[2],"data_offsets":[0,2]}},)"
                       R"("b":{{"dtype":"U8","shape":[2],"data_offsets":{}}}}})",
                       second);
  };
  EXPECT_EQ(
      refusal(two("[1,3]"), "123"),
      "tensor 'b': begins at 1 of the data, an overlap, where the tensor before it ends at 2");
  EXPECT_EQ(refusal(two("[3,5]"), "12345"),
            "tensor 'b': begins at 3 of the data, a hole, where the tensor before it ends at 2");
  EXPECT_EQ(refusal(two("[2,4]"), "12345"), "the tensors end at 4 of 5 bytes of data");
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const std::string file = small_file();
  ASSERT_TRUE(parse(file));
  for (std::size_t n = 0; n < file.size(); ++n) {
    ASSERT_FALSE(parse(std::string_view(file).substr(0, n))) << "cut at " << n;
  }
}

TEST(Safetensors, AFlippedBitIsRefusedOrLeavesTensorsInsideTheFile) {
  const std::string file = small_file();
  std::mt19937 rng(11);
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
    for (const SafetensorsEntry& entry : parsed->entries) {
      ASSERT_LE(entry.begin, entry.end);
      ASSERT_LE(entry.end, damaged.size());
    }
  }
}

}  // namespace
}  // namespace nibble::io
