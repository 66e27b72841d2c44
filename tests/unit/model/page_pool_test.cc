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

}  // namespace
}  // namespace nibble::model
