#include "app/quantity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::app {
namespace {

using ::testing::HasSubstr;

TEST(Quantity, UnitsOfMemoryTimeAndEnergy) {
  EXPECT_DOUBLE_EQ(*parse_bytes("8GiB", "--memory"), 8.0 * (1ULL << 30U));
  EXPECT_DOUBLE_EQ(*parse_bytes("1.5 GB", "--memory"), 1.5e9);
  EXPECT_DOUBLE_EQ(*parse_milliseconds("2s", "--ttft"), 2000);
  EXPECT_DOUBLE_EQ(*parse_milliseconds("250us", "--ttft"), 0.25);
  EXPECT_DOUBLE_EQ(*parse_joules("20mJ", "--energy-per-token"), 0.02);
}

TEST(Quantity, WithoutAUnitOrWithAnotherItIsRefused) {
  for (const std::string_view text : {"8", "8GiBs", "GiB", "-1GB", "nanGB", "", "1e999GB", "8ms"}) {
    const auto bytes = parse_bytes(text, "--memory");
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.failure().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(bytes.failure().message, HasSubstr("--memory: '"));
    EXPECT_THAT(bytes.failure().message, HasSubstr("like 8GiB"));
  }
}

TEST(Quantity, MarginsOfOneTaskOrAll) {
  const auto own = parse_margin("arc_easy:1.5", "--max-loss");
  EXPECT_EQ(own->task, "arc_easy");
  EXPECT_DOUBLE_EQ(own->margin.amount, 1.5);
  EXPECT_FALSE(own->margin.is_relative);
  const auto all = parse_margin("5%", "--max-loss");
  EXPECT_EQ(all->task, "");
  EXPECT_TRUE(all->margin.is_relative);
  EXPECT_EQ(parse_margin("kl512:my:file.txt:0.1", "--max-loss")->task, "kl512:my:file.txt");
}

TEST(Quantity, MarginsThatAreNoneAreRefused) {
  for (const std::string_view text : {"", ":1", "a:", "a:b", "a:-1", "1 point", "a:1%%"}) {
    EXPECT_FALSE(parse_margin(text, "--max-loss")) << text;
  }
}

}  // namespace
}  // namespace nibble::app
