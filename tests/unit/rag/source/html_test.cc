#include <gmock/gmock.h>

#include "base/error.h"
#include "rag/source/formats.h"

namespace nibble::rag {
namespace {

TEST(Html, GivesWhatAReaderSees) {
  const Document document = read_html(
      "<!doctype html><html><head><title> A  page </title><style>p {}</style></head><body>"
      "<script>var x = '<p>no</p>';</script><h1>Big</h1><p>One <b>bold</b>,\n  two&nbsp;&amp; "
      "three.<p>Next<br>line<ul><li>a<li>b</ul><table><tr><td>1<td>2</table></body></html>");
  EXPECT_EQ(document.title, "A page");
  EXPECT_EQ(document.text, "Big\n\nOne bold, two & three.\n\nNext line\n\na\n\nb\n\n1 2\n\n");
}

TEST(Html, ReadsPiecesAndNothing) {
  EXPECT_EQ(read_html("just text").text, "just text");
  EXPECT_EQ(read_html("").text, "");
  EXPECT_EQ(read_html("").title, "");
}

TEST(Html, NestsAsDeepAsItLikes) {
  std::string page;
  for (int i = 0; i < 20'000; ++i) {
    page += "<div>";
  }
  EXPECT_EQ(read_html(page + "deep").text, "deep\n\n");
}

TEST(Html, RefusesBytesThatAreNotUtf8) {
  EXPECT_THROW(read_html("<p>\xff"), Error);
}

}  // namespace
}  // namespace nibble::rag
