#include "model/page_pool.h"

#include <gtest/gtest.h>

namespace nibble::model {
namespace {

TEST(PagePool, CountsUsersAndUsesPagesAgain) {
  PagePool pool(256);
  const PageId a = pool.take();
  const PageId b = pool.take();
  EXPECT_NE(pool.bytes(a), pool.bytes(b));
  EXPECT_EQ(pool.bytes_in_use(), 512U);
  pool.share(a);
  EXPECT_TRUE(pool.is_shared(a));
  pool.release(a);
  EXPECT_FALSE(pool.is_shared(a));
  EXPECT_EQ(pool.bytes_in_use(), 512U);
  pool.release(a);
  EXPECT_EQ(pool.bytes_in_use(), 256U);
  EXPECT_EQ(pool.take(), a);
}

TEST(PagePool, CopiesAPageIntoOneOfItsOwn) {
  PagePool pool(256);
  const PageId a = pool.take();
  pool.bytes(a)[200] = std::byte{7};
  const PageId b = pool.take_copy(a);
  EXPECT_NE(a, b);
  EXPECT_EQ(pool.bytes(b)[200], std::byte{7});
}

/// Counts what is asked of it, as the memory of a device is asked.
class CountingMemory final : public PageMemory {
 public:
  std::shared_ptr<std::byte[]> allocate(std::size_t n_bytes) override {
    ++n_allocated;
    return std::shared_ptr<std::byte[]>(new std::byte[n_bytes]);
  }
  void copy(const std::byte* /*from*/, std::byte* /*to*/, std::size_t n_bytes) override {
    n_copied += n_bytes;
  }
  std::size_t n_allocated = 0, n_copied = 0;
};

TEST(PagePool, LeavesMemoryToItsOwner) {
  const auto memory = std::make_shared<CountingMemory>();
  PagePool pool(128, memory);
  const PageId a = pool.take();
  static_cast<void>(pool.take_copy(a));
  pool.release(a);
  static_cast<void>(pool.take());
  EXPECT_EQ(memory->n_allocated, 2U);
  EXPECT_EQ(memory->n_copied, 128U);
}

}  // namespace
}  // namespace nibble::model
