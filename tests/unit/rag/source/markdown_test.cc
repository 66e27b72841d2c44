#include <gmock/gmock.h>

#include "rag/source/formats.h"

namespace nibble::rag {
namespace {

TEST(Markdown, LosesItsMarksAndKeepsItsBlocks) {
  const Document document = read_markdown(
      "# The *cat*\n\nIt **sat** on [a mat](http://x.y).\nStill `there` &amp; <b>well</b>.\n\n"
      "- one\n- two\n\n## More\n\n| a | b |\n|---|---|\n| c | d |\n");
  EXPECT_EQ(document.title, "The cat");
  EXPECT_EQ(
      document.text,
      "The cat\n\nIt sat on a mat.\nStill there & well.\n\none\n\ntwo\n\nMore\n\na b\n\nc d\n\n");
}

TEST(Markdown, WithoutAHeadingHasNoTitle) {
  EXPECT_EQ(read_markdown("just text").title, "");
  EXPECT_EQ(read_markdown("just text").text, "just text\n\n");
  EXPECT_EQ(read_markdown("").text, "");
}

TEST(Markdown, KeepsCode) {
  EXPECT_EQ(read_markdown("```\nint a;\nint b;\n```\n").text, "int a;\nint b;\n\n");
}

}  // namespace
}  // namespace nibble::rag
