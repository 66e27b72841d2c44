#include "profile/hardware.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "support/files.h"

namespace nibble::profile {
namespace {

using ::testing::HasSubstr;

TEST(Hardware, TheBuiltInTableHasThePapersDevices) {
  const auto table = builtin_hardware();
  const Hardware t4 = find_hardware(table, "tesla t4").take();
  EXPECT_EQ(t4.name, "NVIDIA T4");
  EXPECT_EQ(t4.fp16_tflops, 65);
  EXPECT_EQ(t4.bandwidth_gb_s, 320);
  EXPECT_EQ(t4.power_w, 70);
  for (const char* const name : {"RTX 4060", "Orin Nano", "Raspberry Pi 5", "NVIDIA H200"}) {
    EXPECT_TRUE(find_hardware(table, name)) << name;
  }
  EXPECT_FALSE(find_hardware(table, "Raspberry Pi 5")->power_w);  // none is published
  for (const Hardware& row : table) {
    EXPECT_NE(row.source, "") << row.name;
  }
}

TEST(Hardware, NamesAreWhole) {
  const auto table = builtin_hardware();
  EXPECT_EQ(find_hardware(table, "NVIDIA A10")->power_w, 150);  // and not an A100's
  const auto unknown = find_hardware(table, "Tesla T5");
  EXPECT_EQ(unknown.failure().code, ErrorCode::kNotFound);
  EXPECT_THAT(unknown.failure().message, HasSubstr("did you mean 'Tesla T4'"));
}

TEST(Hardware, OnesOwnTableIsReadAndItsFaultsPointed) {
  const nibble::testing::TempFolder folder;
  nibble::testing::write_file(folder / "mine.toml",
                              "[[hardware]]\nname = \"Mine\"\nbandwidth_gb_s = 51.2\n"
                              "source = \"measured\"\n");
  const auto table = read_hardware(folder / "mine.toml");
  ASSERT_EQ(table.size(), 1U);
  EXPECT_EQ(table[0].bandwidth_gb_s, 51.2);
  EXPECT_FALSE(table[0].power_w);
  const auto fault = [](std::string_view text) {
    try {
      parse_hardware(text, "h.toml");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(fault("[[hardware]]\nname = \"A\"\nsource = \"s\"\npower_w = -1\n"),
              HasSubstr("h.toml:4:"));
  EXPECT_THAT(fault("[[hardware]]\nname = \"A\"\nsource = \"s\"\npower = 1\n"),
              HasSubstr("h.toml:4:1: unknown key 'power'"));
  EXPECT_THAT(fault("[[hardware]]\nname = \"A\"\n"), HasSubstr("source"));
}

}  // namespace
}  // namespace nibble::profile
