#include "base/cancel.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(CancelFlag, ThrowsOnlyAfterARequest) {
  CancelFlag flag;
  EXPECT_NO_THROW(flag.check());
  flag.request();
  EXPECT_TRUE(flag.requested());
  try {
    flag.check();
    FAIL() << "no exception";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
}

TEST(CancelFlag, TheProcessHasOne) {
  EXPECT_EQ(&cancel_flag(), &cancel_flag());
}

}  // namespace
}  // namespace nibble
