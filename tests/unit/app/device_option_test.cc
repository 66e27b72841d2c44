#include "app/device_option.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>

namespace nibble::app {
namespace {

using ::testing::HasSubstr;

struct ParsedDevice {
  std::string device = "cpu";
  std::size_t memory_bytes = 0;

  explicit ParsedDevice(const std::string& line) {
    CLI::App app;
    add_device_options(app, device, memory_bytes);
    app.parse(line);
  }
};

std::string device_error(const std::string& line) {
  try {
    ParsedDevice parsed(line);
    return "none";
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
}

TEST(DeviceOption, TakesADeviceAndHowMuchOfIt) {
  EXPECT_EQ(ParsedDevice("").device, "cpu");
  EXPECT_EQ(ParsedDevice("").memory_bytes, 0U);
  EXPECT_EQ(ParsedDevice("--device cuda:1").device, "cuda:1");
  EXPECT_EQ(ParsedDevice("--device cuda --device-memory 6GB").memory_bytes, 6'000'000'000U);
  EXPECT_EQ(ParsedDevice("--device cuda --device-memory 1.5GiB").memory_bytes,
            std::size_t{1536} << 20);
}

TEST(DeviceOption, RefusesWhatIsNoAmount) {
  for (const char* amount : {"6", "0B", "6gb", "lots", "9999999TB"}) {
    EXPECT_THAT(device_error(std::string("--device cuda --device-memory ") + amount),
                HasSubstr("wanted an amount with its unit, like 8GiB or 500MB"))
        << amount;
  }
}

TEST(DeviceOption, AnAmountIsOfAGpuThatIsNamed) {
  EXPECT_THAT(device_error("--device-memory 6GB"), HasSubstr("--device"));
}

}  // namespace
}  // namespace nibble::app
