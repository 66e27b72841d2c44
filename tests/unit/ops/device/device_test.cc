#include "ops/device/device.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/gpu.h"

namespace nibble::ops {
namespace {

TEST(Device, NamesThatAreNoneAreRefused) {
  for (const char* name : {"", "cpu", "gpu", "cuda:", "cuda:-1", "cuda:1x", "cuda:99999999999"}) {
    try {
      static_cast<void>(Device::open(name));
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << name << ": " << error.what();
    }
  }
}

TEST(Device, OneThatIsNotThereSaysHowManyAre) {
  try {
    static_cast<void>(Device::open("cuda:999"));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDevice) << error.what();
  }
}

TEST(Device, GivesBackWhatWasSent) {
  NIBBLE_NEEDS_GPU(device);
  const std::vector<std::int32_t> sent = {1, 2, 3, 4};
  const DeviceBuffer buffer = device.upload(std::span<const std::int32_t>(sent));
  const DeviceBuffer copy = device.allocate(buffer.size());
  device.copy(buffer.data(), copy.data(), buffer.size());
  std::vector<std::int32_t> got(4);
  device.download(copy.data(), got.data(), copy.size());
  EXPECT_EQ(got, sent);
  device.clear(copy.data(), copy.size());
  device.download(copy.data(), got.data(), copy.size());
  EXPECT_EQ(got, std::vector<std::int32_t>(4));
}

TEST(Device, TooMuchMemoryIsAnErrorWithTheSizes) {
  NIBBLE_NEEDS_GPU(device);
  try {
    static_cast<void>(device.allocate(std::size_t{1} << 50));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
    EXPECT_NE(std::string(error.what()).find("are free"), std::string::npos) << error.what();
  }
  EXPECT_NE(device.allocate(16).data(), nullptr);  // the device goes on
}

TEST(DeviceScratch, GrowsAndKeepsItsAddressOtherwise) {
  NIBBLE_NEEDS_GPU(device);
  DeviceScratch scratch;
  const std::byte* first = scratch.need(device, 1024);
  EXPECT_EQ(scratch.need(device, 10), first);
  EXPECT_EQ(scratch.size(), 1024U);
  static_cast<void>(scratch.need(device, 4096));
  EXPECT_EQ(scratch.size(), 4096U);
}

}  // namespace
}  // namespace nibble::ops
