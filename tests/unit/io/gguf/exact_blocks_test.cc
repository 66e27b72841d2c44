#include "io/gguf/exact_blocks.h"

#include <gmock/gmock.h>

#include "codec/int_group.h"

namespace nibble::io {
namespace {

using codec::IntGroupFormat;
using codec::ZeroKind;
using ::testing::HasSubstr;

/// Codes 0 … max over two rows of 64, scales that float16 holds, zeros from 0 up.
codec::EncodedMatrix integers(const IntGroupFormat& format, float zero, float scale = 0.125F) {
  codec::IntGroupCodes codes;
  const std::size_t n_groups = 2 * format.n_groups(64);
  for (std::size_t i = 0; i < 128; ++i) {
    codes.codes.push_back(static_cast<std::uint8_t>(i % (format.max_code() + 1U)));
  }
  for (std::size_t g = 0; g < n_groups; ++g) {
    codes.scales.push_back(scale * static_cast<float>(g + 1));
  }
  codes.zeros.assign(n_groups, zero);
  return codec::pack_int_group(format, 2, 64, codes);
}

void expect_exact(const codec::EncodedMatrix& matrix, std::string_view type) {
  const auto blocks = exact_gguf_blocks("w", matrix);
  EXPECT_EQ(blocks.codec->name(), type);
  EXPECT_TRUE(blocks.codec->validate(blocks));
  EXPECT_EQ(codec::decode_all(blocks), codec::decode_all(matrix));
}

TEST(ExactBlocks, TheSmallestTypeThatReachesIsTaken) {
  expect_exact(integers({4, 32, ZeroKind::kMiddle}, 8), "q4_0");
  expect_exact(integers({3, 32, ZeroKind::kInteger}, 5), "q4_0");
  expect_exact(integers({4, 32, ZeroKind::kInteger}, 3), "q5_0");
  expect_exact(integers({5, 32, ZeroKind::kMiddle}, 16), "q5_0");
  expect_exact(integers({8, 32, ZeroKind::kMiddle}, 128), "q8_0");
}

TEST(ExactBlocks, WideGroupsRepeatTheirScale) {
  expect_exact(integers({4, 64, ZeroKind::kMiddle}, 8), "q4_0");
  expect_exact(integers({4, 0, ZeroKind::kMiddle}, 8), "q4_0");
}

std::string why_not(const codec::EncodedMatrix& matrix) {
  try {
    exact_gguf_blocks("model.w", matrix);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    return error.what();
  }
  return "written";
}

TEST(ExactBlocks, RefusesWhatBlocksCannotHold) {
  EXPECT_THAT(why_not(integers({4, 16, ZeroKind::kMiddle}, 8)),
              HasSubstr("model.w: rows of 64 weights in groups of 16"));
  EXPECT_THAT(why_not(integers({8, 32, ZeroKind::kInteger}, 200)),
              HasSubstr("codes lie up to 200 steps from their zero"));
}

TEST(ExactBlocks, RefusesOtherGridsAndScales) {
  EXPECT_THAT(why_not(integers({4, 32, ZeroKind::kMiddle}, 8, 0.1F)), HasSubstr("model.w"));
  EXPECT_THAT(why_not(integers({4, 32, ZeroKind::kFloat}, 7.5F)), HasSubstr("model.w"));
}

}  // namespace
}  // namespace nibble::io
