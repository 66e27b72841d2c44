#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "rag/source/formats.h"

namespace nibble::rag {
namespace {

using ::testing::HasSubstr;

/// A PDF with a page for each text, written as the standard has it.
std::string make_pdf(const std::vector<std::string>& pages, const std::string& info = "") {
  std::vector<std::string> objects = {"<< /Type /Catalog /Pages 2 0 R >>",
                                      "",
                                      "",
                                      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"};
  std::string kids;
  for (const std::string& text : pages) {
    const std::string stream = "BT /F1 12 Tf 72 700 Td (" + text + ") Tj ET";
    objects.push_back(
        fmt::format("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R "
                    "/Resources << /Font << /F1 4 0 R >> >> >>",
                    objects.size() + 2));
    kids += fmt::format("{} 0 R ", objects.size());
    objects.push_back(
        fmt::format("<< /Length {} >>\nstream\n{}\nendstream", stream.size(), stream));
  }
  objects[1] = fmt::format("<< /Type /Pages /Kids [{}] /Count {} >>", kids, pages.size());
  objects[2] = info.empty() ? "<< >>" : "<< /Title (" + info + ") >>";
  std::string out = "%PDF-1.4\n";
  std::string table = fmt::format("xref\n0 {}\n0000000000 65535 f \n", objects.size() + 1);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    table += fmt::format("{:010} 00000 n \n", out.size());
    out += fmt::format("{} 0 obj\n{}\nendobj\n", i + 1, objects[i]);
  }
  return out + table +
         fmt::format("trailer\n<< /Size {} /Root 1 0 R /Info 3 0 R >>\nstartxref\n{}\n%%EOF\n",
                     objects.size() + 1,
                     out.size());
}

std::string refusal(const std::string& bytes) {
  try {
    read_pdf(bytes);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    return error.what();
  }
}

TEST(Pdf, GivesItsPagesAndTitle) {
  const Document document = read_pdf(make_pdf({"Hello world.", "Second page."}, "A paper"));
  EXPECT_EQ(document.title, "A paper");
  EXPECT_EQ(document.text, "Hello world.\n\nSecond page.\n\n");
}

TEST(Pdf, WithoutTextIsRefused) {
  EXPECT_THAT(refusal(make_pdf({""})), HasSubstr("no text"));
}

TEST(Pdf, DamagedFilesAreRefused) {
  EXPECT_THAT(refusal(""), HasSubstr("not a readable PDF"));
  EXPECT_THAT(refusal("%PDF-1.4\nnothing"), HasSubstr("not a readable PDF"));
  const std::string whole = make_pdf({"Hello"});
  for (std::size_t n = 0; n < whole.size(); n += 37) {  // never crashes, whatever is left
    try {
      read_pdf(whole.substr(0, n));
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace nibble::rag
