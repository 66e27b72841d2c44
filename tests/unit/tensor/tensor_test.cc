#include "tensor/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/checked_math.h"

namespace nibble {
namespace {

using ::testing::ElementsAre;

TEST(Tensor, IsZeroedAlignedAndWritable) {
  Tensor tensor = Tensor::make(DType::kF32, {2, 3});
  EXPECT_EQ(tensor.size(), 6U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.bytes().data()) % 64, 0U);
  EXPECT_THAT(tensor.as<float>(), ElementsAre(0, 0, 0, 0, 0, 0));
  tensor.mutable_as<float>()[5] = 1.0F;
  EXPECT_EQ(tensor.as<float>()[5], 1.0F);
}

TEST(Tensor, BorrowsWithoutCopyAndKeepsTheOwner) {
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{1, 2});
  const std::weak_ptr<std::vector<float>> watch = owner;
  Tensor tensor = Tensor::borrow(DType::kF32, {2}, std::as_bytes(std::span(*owner)), owner);
  owner.reset();
  EXPECT_FALSE(watch.expired());
  EXPECT_THAT(tensor.as<float>(), ElementsAre(1, 2));
  EXPECT_THROW(static_cast<void>(tensor.mutable_bytes()), Error);
  tensor = Tensor();
  EXPECT_TRUE(watch.expired());
}

TEST(Tensor, MisuseIsCaught) {
  const std::array<float, 2> values = {1, 2};
  EXPECT_THROW(Tensor::from<float>(DType::kF32, {3}, values), Error);
  EXPECT_THROW(static_cast<void>(Tensor::make(DType::kF32, {2}).as<double>()), Error);
}

TEST(Tensor, TooLargeIsOutOfMemoryNotWrapped) {
  const std::size_t huge = std::numeric_limits<std::size_t>::max() / 2;
  try {
    Tensor::make(DType::kF32, {huge, 16});
    FAIL() << "no exception";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
  }
}

TEST(ToF32, WidensEveryFloatAndRefusesIntegers) {
  const std::array<std::uint16_t, 2> halves = {0x3C00, 0xC000};
  EXPECT_THAT(to_f32(Tensor::from<std::uint16_t>(DType::kF16, {2}, halves)), ElementsAre(1, -2));
  const std::array<std::uint16_t, 2> brains = {0x3F80, 0xC000};
  EXPECT_THAT(to_f32(Tensor::from<std::uint16_t>(DType::kBF16, {2}, brains)), ElementsAre(1, -2));
  const std::array<double, 1> doubles = {0.5};
  EXPECT_THAT(to_f32(Tensor::from<double>(DType::kF64, {1}, doubles)), ElementsAre(0.5F));
  EXPECT_THROW(to_f32(Tensor::make(DType::kI32, {1})), Error);
}

TEST(CheckedMath, ReportsWhatDoesNotFit) {
  constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(checked_add(kMax, std::size_t{1}), std::nullopt);
  EXPECT_EQ(checked_mul(kMax, std::size_t{2}), std::nullopt);
  EXPECT_EQ(checked_mul(std::size_t{3}, std::size_t{4}), 12U);
  EXPECT_EQ(checked_product(Shape{kMax, 2}), std::nullopt);
  EXPECT_EQ(checked_product(Shape{}), 1U);
  EXPECT_EQ(ceil_div(7, 3), 3U);
  EXPECT_EQ(round_up(65, 64), 128U);
}

TEST(ShapeText, IsReadable) {
  EXPECT_EQ(shape_text(Shape{49152, 576}), "[49152, 576]");
}

}  // namespace
}  // namespace nibble
