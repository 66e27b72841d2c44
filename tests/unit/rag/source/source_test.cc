#include "rag/source/source.h"

#include <gmock/gmock.h>

#include "support/files.h"

namespace nibble::rag {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Found {
  std::vector<std::string> names, texts, unreadable;
  Result<void> result;
};

Found read(const std::filesystem::path& source) {
  Found out;
  out.result = for_each_document(
      source,
      [&](Document&& document) {
        out.names.push_back(document.name);
        out.texts.push_back(document.text);
      },
      [&](const Failure& why) { out.unreadable.push_back(why.message); });
  return out;
}

TEST(Source, WalksAFolderInOrder) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "sub/.git");
  write_file(folder / "b.txt", "B");
  write_file(folder / "a.md", "# A");
  write_file(folder / "sub/c.txt", "C");
  write_file(folder / "picture.png", "no");
  write_file(folder / ".hidden.txt", "no");
  write_file(folder / "sub/.git/d.txt", "no");
  const Found found = read(folder.path());
  EXPECT_TRUE(found.result);
  EXPECT_THAT(found.names, ElementsAre("a.md", "b.txt", "sub/c.txt"));
}

TEST(Source, PassesOverWhatCannotBeReadAndSaysSo) {
  const TempFolder folder;
  write_file(folder / "a.txt", "A");
  write_file(folder / "b.pdf", "no PDF");
  write_file(folder / "c.txt", "\xff");
  const Found found = read(folder.path());
  EXPECT_TRUE(found.result);
  EXPECT_THAT(found.names, ElementsAre("a.txt"));
  EXPECT_THAT(found.unreadable, ElementsAre(HasSubstr("b.pdf"), HasSubstr("c.txt")));
}

TEST(Source, RefusesAFolderWithoutDocuments) {
  const TempFolder folder;
  const Found found = read(folder.path());
  EXPECT_EQ(found.result.failure().code, ErrorCode::kCorruptData);
  EXPECT_THAT(found.result.failure().message, HasSubstr("no document"));
}

TEST(Source, ReadsJsonLines) {
  const TempFolder folder;
  write_file(folder / "a.jsonl",
             "{\"_id\": \"x\", \"title\": \"T\", \"text\": \"one\", \"metadata\": {}}\n\n"
             "{\"id\": 7, \"text\": \"two\"}\n");
  const Found found = read(folder / "a.jsonl");
  EXPECT_TRUE(found.result);
  EXPECT_THAT(found.names, ElementsAre("x", "7"));
  EXPECT_THAT(found.texts, ElementsAre("one", "two"));
}

TEST(Source, RefusesBadLinesWithTheirNumber) {
  const TempFolder folder;
  const auto refusal = [&](std::string_view lines) {
    write_file(folder / "a.jsonl", lines);
    const Found found = read(folder / "a.jsonl");
    EXPECT_EQ(found.result.failure().code, ErrorCode::kCorruptData);
    return found.result.failure().message;
  };
  EXPECT_THAT(refusal("{\"_id\": \"x\", \"text\": \"a\"}\n{\"_id\": \"x\", \"text\": \"b\"}\n"),
              HasSubstr("a.jsonl:2: the id 'x' stands on line 1, too"));
  EXPECT_THAT(refusal("{\"_id\": \"x\"}\n"), HasSubstr("a.jsonl:1"));
  EXPECT_THAT(refusal("{\"text\": \"x\"}\n"), HasSubstr("no \"_id\""));
  EXPECT_THAT(refusal("{\"_id\": \"x\", \"text\": [1]}\n"), HasSubstr("\"text\": expected a text"));
  EXPECT_THAT(refusal("\n"), HasSubstr("no document"));
  EXPECT_THAT(refusal("{\n"), HasSubstr("a.jsonl:1"));
}

TEST(Source, TakesASingleFileAndRefusesOthers) {
  const TempFolder folder;
  write_file(folder / "a.txt", "A");
  write_file(folder / "a.docx", "A");
  EXPECT_THAT(read(folder / "a.txt").names, ElementsAre("a.txt"));
  EXPECT_EQ(read(folder / "a.docx").result.failure().code, ErrorCode::kUnsupported);
  EXPECT_EQ(read(folder / "none").result.failure().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace nibble::rag
