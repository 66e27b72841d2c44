#include "rag/chunk/token_counter.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "text/tokenizer_files.h"
#include "unit/rag/tiny_encoder.h"

namespace nibble::rag {
namespace {

TEST(TokenCounter, CountsWithoutSpecialTokensTheFirstTimeAndLater) {
  const testing::TinyEncoder folder;
  const auto tokenizer = text::open_tokenizer(folder.path()).take();
  TokenCounter count(*tokenizer);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(count("cat"), 1U);
    EXPECT_EQ(count("abc"), 3U);  // a ##b ##c
    EXPECT_EQ(count(std::string(80, 'a')), 80U);
  }
  EXPECT_THROW(count("\xff"), Error);
}

}  // namespace
}  // namespace nibble::rag
