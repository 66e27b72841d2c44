#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

#include "base/result.h"

namespace nibble {
namespace {

TEST(ErrorCode, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    names.insert(error_code_name(static_cast<ErrorCode>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorCode::kInternal) + 1);
}

TEST(Failure, WithinPutsThePlaceInFront) {
  const Failure failure = fail(ErrorCode::kCorruptData, "{} bytes", 3).within("a.gguf");
  EXPECT_EQ(failure.message, "a.gguf: 3 bytes");
  EXPECT_EQ(failure.code, ErrorCode::kCorruptData);
}

TEST(Result, TakeReturnsTheValueOrThrowsTheSameCode) {
  EXPECT_EQ(Result<int>(7).take(), 7);
  try {
    Result<int>(fail(ErrorCode::kNotFound, "x")).take();
    FAIL() << "no exception";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_STREQ(error.what(), "x");
  }
}

TEST(Result, ValueOfAFailureIsABug) {
  Result<int> result(fail(ErrorCode::kIo, "x"));
  EXPECT_FALSE(result);
  EXPECT_THROW(static_cast<void>(result.value()), Error);
  const Result<int> good(1);
  EXPECT_THROW(static_cast<void>(good.failure()), Error);
}

TEST(Result, OfNothing) {
  EXPECT_TRUE(Result<void>());
  Result<void> bad(fail(ErrorCode::kIo, "disk"));
  EXPECT_FALSE(bad);
  EXPECT_THROW(std::move(bad).take(), Error);
}

}  // namespace
}  // namespace nibble
