/// The GPU that tests of device kernels run on; without one they are skipped by name.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "base/error.h"
#include "ops/device/device.h"

namespace nibble::testing {

/// The first GPU, or why there is none.
struct Gpu {
  std::shared_ptr<ops::Device> device;
  std::string problem;
};

inline Gpu first_gpu() {
  try {
    return {ops::Device::open("cuda:0"), ""};
  } catch (const Error& error) {
    return {nullptr, error.what()};
  }
}

}  // namespace nibble::testing

/// Declares `name` as a device, or skips the test and says why there is none.
#define NIBBLE_NEEDS_GPU(name)                              \
  const auto name##_found = ::nibble::testing::first_gpu(); \
  if (name##_found.device == nullptr) {                     \
    GTEST_SKIP() << name##_found.problem;                   \
  }                                                         \
  ops::Device& name = *name##_found.device
