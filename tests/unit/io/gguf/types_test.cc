#include "io/gguf/types.h"

#include <gtest/gtest.h>

namespace nibble::io {
namespace {

TEST(GgufTypes, ReadsTheFourteenWeightTypes) {
  struct Case {
    std::uint32_t id;
    std::string_view name;
    codec::BlockSize unit;
  };
  const Case cases[] = {{0, "F32", {1, 4}},
                        {1, "F16", {1, 2}},
                        {30, "BF16", {1, 2}},
                        {2, "Q4_0", {32, 18}},
                        {3, "Q4_1", {32, 20}},
                        {6, "Q5_0", {32, 22}},
                        {7, "Q5_1", {32, 24}},
                        {8, "Q8_0", {32, 34}},
                        {10, "Q2_K", {256, 84}},
                        {11, "Q3_K", {256, 110}},
                        {12, "Q4_K", {256, 144}},
                        {13, "Q5_K", {256, 176}},
                        {14, "Q6_K", {256, 210}},
                        {20, "IQ4_NL", {32, 18}},
                        {23, "IQ4_XS", {256, 136}}};
  for (const auto& [id, name, unit] : cases) {
    const auto type = gguf_type(id);
    ASSERT_TRUE(type) << name;
    EXPECT_EQ(type->name, name);
    EXPECT_EQ(type->unit().weights, unit.weights) << name;
    EXPECT_EQ(type->unit().bytes, unit.bytes) << name;
    EXPECT_NE(type->dtype.has_value(), type->blocks != nullptr) << name;
  }
}

TEST(GgufTypes, NamesWhatItDoesNotRead) {
  EXPECT_EQ(gguf_type(39).failure().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(
      gguf_type(39).failure().message.starts_with("tensor type MXFP4 is not supported; F32"));
  EXPECT_EQ(gguf_type(4).failure().message, "unknown tensor type 4");
}

TEST(GgufTypes, CodecsFindTheirNumber) {
  EXPECT_EQ(gguf_type_id("f32").take(), 0U);
  EXPECT_EQ(gguf_type_id("bf16").take(), 30U);
  EXPECT_EQ(gguf_type_id("q4_k").take(), 12U);
  EXPECT_EQ(gguf_type_id("iq4_nl").take(), 20U);
  EXPECT_FALSE(gguf_type_id("nf4b64"));
}

}  // namespace
}  // namespace nibble::io
