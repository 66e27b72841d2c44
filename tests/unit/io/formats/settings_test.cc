#include "io/formats/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/io/formats/packed_tensors.h"

namespace nibble::io {
namespace {

using ::testing::HasSubstr;

TEST(Settings, NullIsAbsent) {
  const Json settings = {{"bits", nullptr}, {"sym", nullptr}, {"format", nullptr}};
  EXPECT_EQ(int_setting_or(settings, "bits", 4), 4);
  EXPECT_TRUE(flag_setting_or(settings, "sym", true));
  EXPECT_EQ(text_setting_or(settings, "format", "x"), "x");
}

TEST(Settings, ValuesAreTaken) {
  const Json settings = {{"group_size", -1}, {"sym", false}, {"format", "gptq"}};
  EXPECT_EQ(int_setting(settings, "group_size"), -1);
  EXPECT_FALSE(flag_setting_or(settings, "sym", true));
  EXPECT_EQ(text_setting_or(settings, "format", "x"), "gptq");
}

TEST(Settings, AnotherTypeIsRefused) {
  const Json settings = {{"bits", "4"}, {"sym", 1}, {"format", 2}};
  EXPECT_THAT(message_of([&] { int_setting(settings, "bits"); }),
              HasSubstr("quantization_config: 'bits': wanted a whole number, found \"4\""));
  EXPECT_THAT(message_of([&] { int_setting(settings, "none"); }), HasSubstr("found nothing"));
  EXPECT_THAT(message_of([&] { flag_setting_or(settings, "sym", true); }),
              HasSubstr("'sym': wanted true or false, found 1"));
  EXPECT_THAT(message_of([&] { text_setting_or(settings, "format", ""); }),
              HasSubstr("'format': wanted a string, found 2"));
}

}  // namespace
}  // namespace nibble::io
