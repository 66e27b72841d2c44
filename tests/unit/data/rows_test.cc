#include "data/rows.h"

#include <gtest/gtest.h>

#include "support/files.h"

namespace nibble::data {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;
using text::jinja::to_repr;

class Rows : public ::testing::Test {
 protected:
  DataSet<Row> read(const char* name, std::string_view content, const RowFormat& format = {}) {
    write_file(folder_ / name, content);
    return read_rows(folder_ / name, format).take();
  }
  std::string error(const char* name, std::string_view content, const RowFormat& format = {}) {
    write_file(folder_ / name, content);
    return read_rows(folder_ / name, format)
        .failure()
        .message.substr(folder_.path().string().size() + 1);
  }
  TempFolder folder_;
};

TEST_F(Rows, ComeFromJsonLinesInTheOrderOfTheirKeys) {
  const auto set = read("a.jsonl", "{\"b\": 1, \"a\": [\"x\"]}\n\n{\"b\": 2}\n");
  ASSERT_EQ(set.rows.size(), 2U);
  EXPECT_EQ(to_repr(set.rows[0]), "{'b': 1, 'a': ['x']}");
  EXPECT_EQ(set.sha256.size(), 64U);
}

TEST_F(Rows, ComeFromAJsonList) {
  EXPECT_EQ(to_repr(read("a.json", "[{\"a\": {\"z\": 1, \"y\": 0}}]").rows[0]),
            "{'a': {'z': 1, 'y': 0}}");
}

TEST_F(Rows, ComeFromCsvWithOrWithoutNames) {
  EXPECT_EQ(to_repr(read("a.csv", "q,n\nx,1\n").rows[0]), "{'q': 'x', 'n': '1'}");
  EXPECT_EQ(to_repr(read("b.csv", "x,1\n", {"", {"q", "n"}}).rows[0]), "{'q': 'x', 'n': '1'}");
}

TEST_F(Rows, ComeFromTheTwoFormsOfTheirOwn) {
  const auto squad = read("s.json",
                          R"({"data": [{"title": "T", "paragraphs": [{"context": "C", "qas":
                          [{"id": "1", "question": "Q", "answers": [{"text": "A"}]}]}]}]})",
                          {"squad", {}});
  EXPECT_EQ(to_repr(squad.rows[0]),
            "{'id': '1', 'title': 'T', 'context': 'C', 'question': 'Q', 'answers': {'text': "
            "['A']}}");
  const auto hellaswag = read("h.txt", "Ice: A man sits.\n1\na\nb\nc\nd\n", {"hellaswag", {}});
  EXPECT_EQ(to_repr(hellaswag.rows[0]),
            "{'activity_label': 'Ice', 'ctx_a': 'A man sits.', 'ctx_b': '', 'endings': ['a', 'b', "
            "'c', 'd'], 'label': '1'}");
}

TEST_F(Rows, SayWhatIsWrongAndWhere) {
  EXPECT_EQ(error("a.jsonl", "{}\n[1]\n"), "a.jsonl:2: wanted a JSON object");
  EXPECT_EQ(error("a.json", "{}"), "a.json: wanted a JSON list of objects");
  EXPECT_EQ(error("a.csv", "x,1\n", {"", {"q"}}), "a.csv:1: 2 fields for 1 columns");
  EXPECT_EQ(error("a.csv", "q,n\n"), "a.csv: no rows");
  EXPECT_EQ(error("a.txt", "x"), "a.txt: rows come from .jsonl, .json or .csv");
  EXPECT_EQ(error("a.jsonl", "{}", {"nope", {}}),
            "a.jsonl: no reader 'nope', wanted squad or hellaswag");
}

}  // namespace
}  // namespace nibble::data
