#include "rag/index/index_file.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "support/files.h"

namespace nibble::rag {
namespace {

using nibble::testing::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Change = IndexFile::Change;

const IndexSettings kSettings = {.passages = "words:2:0",
                                 .encoder = "/models/e",
                                 .codec = "",
                                 .arithmetic = "f32",
                                 .encoder_hash = "abc",
                                 .dims = 2};
const Document kDocument = {.name = "d1", .title = "T", .text = "one two three"};
const std::vector<TextRange> kPassages = {{0, 7}, {8, 13}};

ErrorCode code_of(const std::function<void()>& f, std::string* message = nullptr) {
  try {
    f();
  } catch (const Error& error) {
    if (message != nullptr) {
      *message = error.what();
    }
    return error.code();
  }
  return ErrorCode::kInternal;
}

class IndexFileTest : public ::testing::Test {
 protected:
  IndexFile open() { return IndexFile::open_or_create(folder_ / "i.rag", kSettings); }
  TempFolder folder_;
};

TEST_F(IndexFileTest, KeepsDocumentsPassagesAndVectors) {
  {
    IndexFile index = open();
    index.begin_run();
    EXPECT_EQ(index.look_at(kDocument), Change::kNew);
    index.put(kDocument, kPassages);
    const auto missing = index.without_vector(10);
    ASSERT_EQ(missing.size(), 2U);
    EXPECT_EQ(missing[1].indexed_text(), "T three");
    const std::vector<float> vectors = {1, 2, 3, 4};
    index.set_vectors(missing, vectors);
  }
  IndexFile index = IndexFile::open(folder_ / "i.rag");
  EXPECT_EQ(index.settings().encoder, "/models/e");
  EXPECT_EQ(index.settings().dims, 2U);
  EXPECT_EQ(index.counts().n_documents, 1U);
  EXPECT_EQ(index.counts().n_passages, 2U);
  EXPECT_EQ(index.counts().n_without_vector, 0U);
  std::vector<std::string> texts;
  std::vector<float> vectors;
  std::int64_t last = 0;
  index.for_each([&](Passage&& passage, std::span<const float> vector) {
    texts.push_back(passage.text);
    vectors.insert(vectors.end(), vector.begin(), vector.end());
    last = passage.id;
  });
  EXPECT_THAT(texts, ElementsAre("one two", "three"));
  EXPECT_THAT(vectors, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(index.passage(last).first, 8U);
  EXPECT_EQ(index.passage(last).document, "d1");
  EXPECT_THAT(index.vector(last), ElementsAre(3, 4));
}

TEST_F(IndexFileTest, GivesVectorsAloneInOrder) {
  IndexFile index = open();
  index.begin_run();
  index.put(kDocument, kPassages);
  const auto ignore = [](std::span<const float>) {};
  EXPECT_EQ(code_of([&] { index.for_each_vector(9, ignore); }), ErrorCode::kUnsupported);
  const std::vector<float> vectors = {1, 2, 3, 4};
  index.set_vectors(index.without_vector(10), vectors);
  std::vector<float> all;
  const auto take = [&](std::span<const float> v) { all.insert(all.end(), v.begin(), v.end()); };
  index.for_each_vector(1, take);
  EXPECT_THAT(all, ElementsAre(1, 2));
  index.for_each_vector(static_cast<std::size_t>(-1), take);
  EXPECT_THAT(all, ElementsAre(1, 2, 1, 2, 3, 4));
}

TEST_F(IndexFileTest, TellsSameFromChangedAndDropsWhatIsGone) {
  IndexFile index = open();
  index.begin_run();
  index.put(kDocument, kPassages);
  index.put({.name = "d2", .title = "", .text = "x"}, std::vector<TextRange>{{0, 1}});
  index.begin_run();
  EXPECT_EQ(index.look_at(kDocument), Change::kSame);
  EXPECT_EQ(index.look_at({.name = "d1", .title = "U", .text = "one two three"}), Change::kChanged);
  EXPECT_EQ(index.drop_old(), 1U);
  EXPECT_EQ(index.counts().n_documents, 1U);
  EXPECT_EQ(index.counts().n_passages, 2U);
  index.put({.name = "d1", .title = "U", .text = "four"}, std::vector<TextRange>{{0, 4}});
  EXPECT_EQ(index.counts().n_passages, 1U);
}

TEST_F(IndexFileTest, RefusesOtherSettingsAndNamesThem) {
  open();
  std::string message;
  IndexSettings other = kSettings;
  other.encoder_hash = "def";
  const auto reopen = [&] { IndexFile::open_or_create(folder_ / "i.rag", other); };
  EXPECT_EQ(code_of(reopen, &message), ErrorCode::kMismatch);
  EXPECT_THAT(message, HasSubstr("'def'"));
  other = kSettings;
  other.passages = "words:3:0";
  EXPECT_EQ(code_of(reopen, &message), ErrorCode::kMismatch);
  EXPECT_THAT(message, HasSubstr("words:3:0"));
}

TEST_F(IndexFileTest, RefusesOtherVersionsAndOtherFiles) {
  open().database().execute("PRAGMA user_version = 99");
  std::string message;
  EXPECT_EQ(code_of([&] { IndexFile::open(folder_ / "i.rag"); }, &message), ErrorCode::kMismatch);
  EXPECT_THAT(message, HasSubstr("version 99"));
  EXPECT_EQ(code_of([&] { IndexFile::open(folder_ / "none"); }), ErrorCode::kNotFound);
  nibble::testing::write_file(folder_ / "text", "this is no database at all, only text");
  EXPECT_EQ(code_of([&] { IndexFile::open(folder_ / "text"); }), ErrorCode::kCorruptData);
}

TEST_F(IndexFileTest, RefusesDamagedSettingsAndVectors) {
  {
    IndexFile index = open();
    index.begin_run();
    index.put(kDocument, kPassages);
    index.database().execute("UPDATE passages SET vector = x'0102'");
    EXPECT_EQ(code_of([&] { index.for_each([](Passage&&, std::span<const float>) {}); }),
              ErrorCode::kCorruptData);
    index.database().execute("UPDATE settings SET value = '-3' WHERE name = 'dims'");
  }
  EXPECT_EQ(code_of([&] { IndexFile::open(folder_ / "i.rag"); }), ErrorCode::kCorruptData);
}

}  // namespace
}  // namespace nibble::rag
