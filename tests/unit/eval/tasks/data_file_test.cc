#include "eval/tasks/data_file.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "support/files.h"

namespace nibble::eval {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;

template <class F>
std::string message_of(ErrorCode code, F&& f) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(DataFile, TakesTheFirstNameThatExists) {
  const TempFolder folder;
  write_file(folder / "b.jsonl", "{}");
  const DataFile file = read_data_file(folder.path(), {"a.jsonl", "b.jsonl"});
  EXPECT_EQ(file.path, folder / "b.jsonl");
  EXPECT_EQ(file.hash, sha256_hex("{}"));
}

TEST(DataFile, NamesWhatItLookedFor) {
  const TempFolder folder;
  EXPECT_EQ(message_of(ErrorCode::kNotFound,
                       [&] {
                         read_data_file(folder.path(), {"a.jsonl", "b.jsonl"});
                       }),
            folder.path().string() + ": no data file, wanted a.jsonl or b.jsonl (or .gz)");
}

TEST(DataFile, TheExtensionIsThatOfTheContent) {
  EXPECT_EQ(content_extension("x.json/rows.txt"), ".txt");
  EXPECT_EQ(content_extension("x/rows.v2.jsonl.gz"), ".jsonl");
  EXPECT_EQ(content_extension("rows.gz"), "");
  EXPECT_EQ(content_extension("rows"), "");
}

TEST(Record, ReadsTypedValues) {
  const TempFolder folder;
  write_file(folder / "a.jsonl",
             "{\"t\": \"x\", \"l\": [\"a\", \"b\"], \"n\": 3, \"o\": {\"t\": \"in\"}}\n\n{\"t\": "
             "\"y\"}\n");
  const DataFile file = read_data_file(folder.path(), {"a.jsonl"});
  std::vector<std::string> seen;
  for_each_record(file, 0, [&](const Record& record, std::size_t line) {
    seen.push_back(record.text("t") + fmt::format("{}", line));
    if (line == 1) {
      EXPECT_EQ(record.texts("l"), (std::vector<std::string>{"a", "b"}));
      EXPECT_EQ(record.index("n"), 3U);
      EXPECT_EQ(record.object("o").text("t"), "in");
      EXPECT_FALSE(record.has("x"));
    }
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"x1", "y3"}));
  std::size_t n_limited = 0;
  for_each_record(file, 1, [&](const Record&, std::size_t) { ++n_limited; });
  EXPECT_EQ(n_limited, 1U);
}

TEST(Record, SaysWhereAndWhatWasWanted) {
  const TempFolder folder;
  write_file(folder / "a.jsonl", "{\"t\": \"x\"}\n{\"t\": 5, \"n\": -1, \"l\": [1]}\n");
  const DataFile file = read_data_file(folder.path(), {"a.jsonl"});
  const std::string where = (folder / "a.jsonl").string();
  const auto on_line = [&](std::size_t wanted, auto&& f) {
    return message_of(ErrorCode::kCorruptData, [&] {
      for_each_record(file, 0, [&](const Record& record, std::size_t line) {
        if (line == wanted) {
          f(record);
        }
      });
    });
  };
  EXPECT_EQ(on_line(1, [](const Record& r) { (void)r.texts("l"); }),
            where + ":1: no 'l', wanted a list of texts");
  EXPECT_EQ(on_line(2, [](const Record& r) { (void)r.text("t"); }),
            where + ":2: 't' is not a text");
  EXPECT_EQ(on_line(2, [](const Record& r) { (void)r.index("n"); }),
            where + ":2: 'n' is not an index, wanted a whole number from 0");
  EXPECT_EQ(on_line(2, [](const Record& r) { (void)r.texts("l"); }),
            where + ":2: 'l' is not a list of texts");
  EXPECT_EQ(on_line(2, [](const Record& r) { (void)r.object("t"); }),
            where + ":2: 't' is not an object");
}

TEST(Record, ReadsListsAndFlags) {
  const TempFolder folder;
  write_file(folder / "a.jsonl",
             "{\"o\": [{\"t\": \"in\"}], \"f\": true, \"l\": [1], \"t\": \"x\"}\n");
  const DataFile file = read_data_file(folder.path(), {"a.jsonl"});
  const std::string where = (folder / "a.jsonl").string() + ":1: ";
  for_each_record(file, 0, [&](const Record& record, std::size_t) {
    EXPECT_EQ(record.objects("o").at(0).text("t"), "in");
    EXPECT_TRUE(record.flag("f"));
    EXPECT_EQ(record.list("l").size(), 1U);
    EXPECT_TRUE(record.is_text("t"));
    EXPECT_FALSE(record.is_text("l"));
    const auto refused = [](auto&& f) { return message_of(ErrorCode::kCorruptData, f); };
    EXPECT_EQ(refused([&] { (void)record.objects("l"); }), where + "'l' is not a list of objects");
    EXPECT_EQ(refused([&] { (void)record.list("t"); }), where + "'t' is not a list");
    EXPECT_EQ(refused([&] { (void)record.flag("t"); }), where + "'t' is neither true nor false");
    EXPECT_EQ(refused([&] { (void)record.objects("o").at(0).text("u"); }),
              where + "no 'u', wanted a text");
  });
}

TEST(CombinedHash, DependsOnTheOrder) {
  EXPECT_NE(combined_hash({"a", "b"}), combined_hash({"b", "a"}));
  EXPECT_NE(combined_hash({"ab", "c"}), combined_hash({"a", "bc"}));
}

}  // namespace
}  // namespace nibble::eval
