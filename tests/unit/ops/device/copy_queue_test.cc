// Copies beside the work of a GPU: what is read is what was to be there, also where the whole was
// recorded.
#include "ops/device/copy_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "support/gpu.h"

namespace nibble::ops {
namespace {

constexpr std::size_t kSlots = 2, kBlocks = 9;
constexpr std::size_t kBlockBytes = std::size_t{8} << 20;

/// Blocks of the host that pass through slots into one place each.
class Passage {
 public:
  explicit Passage(Device& device) : device_(device), queue_(device.shared_from_this(), kSlots) {
    host_ = device.allocate_locked(kBlocks * kBlockBytes);
    slots_ = device.allocate(kSlots * kBlockBytes);
    out_ = device.allocate(kBlocks * kBlockBytes);
  }

  /// Other bytes in every block.
  void fill(unsigned seed) {
    for (std::size_t i = 0; i < kBlocks; ++i) {
      std::memset(
          host_.get() + i * kBlockBytes, static_cast<int>((seed + 31 * i) % 251), kBlockBytes);
    }
  }
  void queue() {
    queue_.begin();
    for (std::size_t i = 0; i < kSlots; ++i) {
      copy(i);
    }
    for (std::size_t i = 0; i < kBlocks; ++i) {
      const std::size_t slot = i % kSlots;
      queue_.await(slot);
      device_.copy(slots_.data() + slot * kBlockBytes, out_.data() + i * kBlockBytes, kBlockBytes);
      if (i + kSlots < kBlocks) {
        queue_.release(slot);
        copy(i + kSlots);
      }
    }
  }
  /// Whether the host's bytes have arrived, each in its place.
  bool is_through() {
    std::vector<std::byte> got(kBlocks * kBlockBytes);
    device_.download(out_.data(), got.data(), got.size());
    return std::memcmp(got.data(), host_.get(), got.size()) == 0;
  }
  void clear() { device_.clear(out_.data(), out_.size()); }
  double bytes_per_second() {
    return queue_.measure(host_.get(), slots_.data(), kSlots * kBlockBytes);
  }

 private:
  void copy(std::size_t i) {
    const std::size_t slot = i % kSlots;
    queue_.copy(
        host_.get() + i * kBlockBytes, slots_.data() + slot * kBlockBytes, kBlockBytes, slot);
  }

  Device& device_;
  std::shared_ptr<std::byte> host_;
  DeviceBuffer slots_, out_;
  CopyQueue queue_;
};

TEST(CopyQueue, NoSlotIsWrittenBeforeItWasRead) {
  NIBBLE_NEEDS_GPU(gpu);
  Passage passage(gpu);
  for (unsigned round = 0; round < 5; ++round) {
    passage.fill(17 * round);
    passage.queue();
    ASSERT_TRUE(passage.is_through()) << round;
  }
}

TEST(CopyQueue, ARecordingCopiesWhatTheHostHasThen) {
  NIBBLE_NEEDS_GPU(gpu);
  Passage passage(gpu);
  const auto& runtime = gpu.runtime();
  void* graph = nullptr;
  ASSERT_EQ(runtime.begin_capture(gpu.stream()), nullptr);
  passage.queue();
  const char* const problem = runtime.end_capture(gpu.stream(), &graph);
  ASSERT_EQ(problem, nullptr) << problem;
  for (unsigned round = 0; round < 5; ++round) {
    passage.fill(29 * round + 3);
    passage.clear();
    ASSERT_EQ(runtime.launch_graph(graph, gpu.stream()), nullptr);
    ASSERT_TRUE(passage.is_through()) << round;
  }
  EXPECT_EQ(runtime.release_graph(graph), nullptr);
}

TEST(CopyQueue, MeasuresASpeedThatABusMayHave) {
  NIBBLE_NEEDS_GPU(gpu);
  Passage passage(gpu);
  const double rate = passage.bytes_per_second();
  EXPECT_GT(rate, 0.5e9);
  EXPECT_LT(rate, 2e12);
}

TEST(DeviceLimit, LeavesNoMoreThanItAllows) {
  NIBBLE_NEEDS_GPU(gpu);
  constexpr std::size_t kMebi = std::size_t{1} << 20;
  gpu.forget_most();
  const std::size_t before = gpu.most_bytes();
  gpu.set_limit(before + 64 * kMebi);
  EXPECT_EQ(gpu.free_bytes(), 64 * kMebi);
  const DeviceBuffer half = gpu.allocate(32 * kMebi);
  EXPECT_LE(gpu.free_bytes(), 32 * kMebi);
  EXPECT_GE(gpu.most_bytes(), before + 32 * kMebi);
  try {
    static_cast<void>(gpu.allocate(40 * kMebi));
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
    EXPECT_NE(std::string_view(error.what()).find("no 40.0 MiB: 32.0 of the"),
              std::string_view::npos)
        << error.what();
  }
  gpu.set_limit(0);
  EXPECT_GT(gpu.free_bytes(), 64 * kMebi);
}

}  // namespace
}  // namespace nibble::ops
