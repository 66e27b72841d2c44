#include "io/safetensors_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::io {
namespace {

using ::testing::HasSubstr;

std::string refusal(std::string_view json) {
  const auto header = parse_safetensors_header(json);
  EXPECT_FALSE(header) << json;
  return header ? "" : header.failure().message;
}

TEST(SafetensorsHeader, ReadsEntriesAndMetadata) {
  const auto header = parse_safetensors_header(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},)"
      R"("s":{"shape":[],"data_offsets":[12,16],"dtype":"F32"}}   )");
  ASSERT_TRUE(header) << header.failure().message;
  EXPECT_EQ(header->metadata.at("format"), "pt");
  ASSERT_EQ(header->entries.size(), 2U);
  EXPECT_EQ(header->entries[0].name, "a");
  EXPECT_EQ(header->entries[0].dtype, DType::kBF16);
  EXPECT_EQ(header->entries[0].shape, (Shape{2, 3}));
  EXPECT_EQ(header->entries[0].end, 12U);
  EXPECT_TRUE(header->entries[1].shape.empty());
}

TEST(SafetensorsHeader, RefusesWhatIsNotJson) {
  EXPECT_EQ(refusal(""), "header at byte 8: does not begin with '{'");
  EXPECT_EQ(refusal("[]"), "header at byte 8: does not begin with '{'");
  EXPECT_THAT(refusal(R"({"a":)"), HasSubstr("header at byte 13: "));
  EXPECT_THAT(refusal("{} {}"), HasSubstr("header at byte 11: "));
  EXPECT_THAT(refusal("{\"\xFF\":1}"), HasSubstr("header at byte 10: "));
}

TEST(SafetensorsHeader, RefusesKeysThatOccurTwice) {
  const std::string entry = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  EXPECT_EQ(refusal("{\"a\":" + entry + ",\"a\":" + entry + "}"), "key 'a' occurs twice");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"F32","dtype":"F16"}})"),
            "tensor 'a', dtype: key 'dtype' occurs twice");
  EXPECT_EQ(refusal(R"({"__metadata__":{"k":"1","k":"2"}})"),
            "__metadata__, key 'k': key 'k' occurs twice");
}

TEST(SafetensorsHeader, RefusesMissingAndUnexpectedFields) {
  EXPECT_EQ(refusal(R"({"a":{"dtype":"F32","shape":[1]}})"), "tensor 'a': no data_offsets");
  EXPECT_EQ(refusal(R"({"a":{"shape":[1],"data_offsets":[0,4]}})"), "tensor 'a': no dtype");
  EXPECT_EQ(refusal(R"({"a":{"stride":[1]}})"), "tensor 'a': unexpected key 'stride'");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})"),
            "tensor 'a': data_offsets must be two numbers");
  EXPECT_EQ(refusal(R"({"a":{"data_offsets":[0,1,2]}})"),
            "tensor 'a', data_offsets: unexpected a number");
}

TEST(SafetensorsHeader, RefusesValuesOfOtherTypes) {
  EXPECT_EQ(refusal(R"({"a":1})"), "key 'a': unexpected a number");
  EXPECT_EQ(refusal(R"({"a":[]})"), "key 'a': unexpected an array");
  EXPECT_EQ(refusal(R"({"a":{"shape":[-1]}})"),
            "tensor 'a', shape: -1, expected a number that is not negative");
  EXPECT_EQ(refusal(R"({"a":{"shape":[1.5]}})"),
            "tensor 'a', shape: 1.5, expected a whole number in range");
  EXPECT_EQ(refusal(R"({"a":{"shape":[99999999999999999999]}})"),
            "tensor 'a', shape: 99999999999999999999, expected a whole number in range");
  EXPECT_EQ(refusal(R"({"a":{"shape":[[1]]}})"), "tensor 'a', shape: unexpected an array");
  EXPECT_EQ(refusal(R"({"a":{"shape":{}}})"), "tensor 'a', shape: unexpected an object");
  EXPECT_EQ(refusal(R"({"a":{"dtype":null}})"), "tensor 'a', dtype: unexpected null");
  EXPECT_EQ(refusal(R"({"__metadata__":{"k":1}})"), "__metadata__, key 'k': unexpected a number");
}

TEST(SafetensorsHeader, RefusesMoreTensorsThanAnyFileHas) {
  std::string json = "{";
  for (std::size_t i = 0; i <= kMaxSafetensorsTensors; ++i) {
    json += fmt::format(
        R"({}"{}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", i > 0 ? "," : "", i);
  }
  EXPECT_EQ(refusal(json + "}"), "header: more than 200000 tensors");
}

TEST(SafetensorsHeader, RefusesMorePairsOfMetadataThanAnyFileHas) {
  std::string json = R"({"__metadata__":{)";
  for (std::size_t i = 0; i <= kMaxSafetensorsPairs; ++i) {
    json += fmt::format(R"({}"{}":"x")", i > 0 ? "," : "", i);
  }
  EXPECT_EQ(refusal(json + "}}"), "__metadata__: more than 10000 pairs");
}

TEST(SafetensorsHeader, NamesAnUnknownDtype) {
  const auto header =
      parse_safetensors_header(R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})");
  ASSERT_FALSE(header);
  EXPECT_EQ(header.failure().code, ErrorCode::kUnsupported);
  EXPECT_EQ(header.failure().message, "tensor 'a', dtype: unknown dtype 'F8_E4M3'");
}

}  // namespace
}  // namespace nibble::io
