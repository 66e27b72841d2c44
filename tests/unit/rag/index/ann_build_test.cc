#include "rag/index/ann_build.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "rag/index/ann_store.h"
#include "unit/rag/index/vector_file.h"

namespace nibble::rag {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::VectorFile;

class Notes final : public ProgressSink {
 public:
  void begin(std::string_view, std::uint64_t) override {}
  void advance(std::uint64_t) override {}
  void end() override {}
  void note(std::string_view line) override { text += line; }
  std::string text;
};

class AnnBuildTest : public ::testing::Test {
 protected:
  AnnReport build(const char* settings = nullptr) {
    AnnRequest request{.pool = &pool_};
    if (settings != nullptr) {
      request.settings = AnnSettings::parse(settings).take();
    }
    return build_ann(index_, request, notes_);
  }
  std::string bytes_hash() { return read_ann_record(index_).bytes_hash; }
  /// The hash of the bytes that the vectors of the file would give at once.
  std::string hash_of_new(const char* settings) {
    write_ann(index_, {}, nullptr);
    EXPECT_EQ(build(settings).n_kept, 0U);
    return bytes_hash();
  }

  VectorFile file_;
  IndexFile index_ = file_.open();
  ThreadPool pool_{2};
  Notes notes_;
};

TEST_F(AnnBuildTest, WhatIsUnchangedStays) {
  VectorFile::put(index_, "a", 300, 1);
  const AnnReport first = build("hnsw:M=8");
  EXPECT_EQ(first.made, "hnsw:M=8,efConstruction=200");
  EXPECT_EQ(first.n_added, 300U);
  EXPECT_GT(first.n_bytes, 300U * 8U);
  const AnnReport second = build();
  EXPECT_EQ(second.n_kept, 300U);
  EXPECT_EQ(second.n_added, 0U);
  EXPECT_EQ(second.n_bytes, first.n_bytes);
}

TEST_F(AnnBuildTest, AddedVectorsAreLinkedBehindAndGiveWhatAllAtOnceGive) {
  VectorFile::put(index_, "a", 1100, 1);
  build("hnsw:M=8");
  VectorFile::put(index_, "b", 250, 2);
  const AnnReport report = build();
  EXPECT_EQ(report.n_kept, 1100U);
  EXPECT_EQ(report.n_added, 250U);
  const std::string hash = bytes_hash();
  EXPECT_EQ(hash_of_new("hnsw:M=8"), hash);
}

TEST_F(AnnBuildTest, DroppedVectorsMakeItAnew) {
  VectorFile::put(index_, "a", 50, 1);
  VectorFile::put(index_, "b", 60, 2);
  build("hnsw");
  index_.database().execute("DELETE FROM documents WHERE name = 'a'");
  const AnnReport report = build();
  EXPECT_EQ(report.n_kept, 0U);
  EXPECT_EQ(report.n_added, 60U);
  EXPECT_EQ(read_ann_record(index_).n, 60U);
}

TEST_F(AnnBuildTest, OtherSettingsMakeItAnewAndFlatDropsIt) {
  VectorFile::put(index_, "a", 300, 1);
  build("hnsw");
  EXPECT_EQ(build("hnsw:M=16").n_kept, 300U);  // what it has by default
  EXPECT_EQ(read_ann_record(index_).asked.text(), "hnsw:M=16");
  EXPECT_EQ(build("hnsw:M=9").n_kept, 0U);
  EXPECT_THAT(build("ivf-pq").made, StartsWith("ivf-pq:nlist=7"));
  EXPECT_EQ(build("flat").made, "flat");
  EXPECT_EQ(read_ann_record(index_).n_bytes, 0U);
  EXPECT_EQ(build().made, "flat");
}

TEST_F(AnnBuildTest, CentroidsAreLearnedAgainForTwiceAsManyVectors) {
  VectorFile::put(index_, "a", 200, 1);
  build("ivf-pq");
  VectorFile::put(index_, "b", 200, 2);
  EXPECT_EQ(build().n_kept, 200U);
  VectorFile::put(index_, "c", 1, 3);
  EXPECT_EQ(build().n_kept, 0U);
  EXPECT_EQ(read_ann_record(index_).n_at_training, 401U);
}

TEST_F(AnnBuildTest, WhatIsDamagedIsMadeAnew) {
  VectorFile::put(index_, "a", 100, 1);
  build("hnsw");
  const std::string hash = bytes_hash();
  index_.database().execute("UPDATE ann SET bytes = zeroblob(length(bytes))");
  EXPECT_EQ(build().n_kept, 0U);
  EXPECT_THAT(notes_.text, HasSubstr("made anew"));
  EXPECT_EQ(bytes_hash(), hash);
  index_.database().execute("UPDATE settings SET value = 'x' WHERE name = 'ann.made'");
  EXPECT_THROW(build(), Error);  // nobody says what is wanted
  EXPECT_EQ(build("hnsw").n_added, 100U);
}

TEST_F(AnnBuildTest, MoreMemoryThanAllowedIsRefusedWithNumbers) {
  VectorFile::put(index_, "a", 20'000, 1);
  AnnRequest request{
      .settings = AnnSettings::parse("hnsw").take(), .memory_bytes = 1e6, .pool = &pool_};
  try {
    check_ann_request(index_, request);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
    EXPECT_THAT(error.what(), HasSubstr("20000 vectors of 16 dimensions takes 6.07 MB"));
    EXPECT_THAT(error.what(), HasSubstr("1.00 MB are allowed; ivf-pq takes"));
  }
  request.memory_bytes = 7e6;
  EXPECT_NO_THROW(check_ann_request(index_, request));
}

TEST_F(AnnBuildTest, AnEmptyFileRemembersWhatIsWanted) {
  EXPECT_EQ(build("hnsw").made, "flat");
  EXPECT_EQ(build().n_added, 0U);
  VectorFile::put(index_, "a", 1, 1);
  EXPECT_EQ(build().n_added, 1U);
  EXPECT_THAT(build().made, StartsWith("hnsw"));
}

TEST_F(AnnBuildTest, WordsAloneHaveNoNeighbours) {
  nibble::testing::TempFolder folder;
  IndexFile words = IndexFile::open_or_create(folder / "w.rag", {.passages = "words:2:0"});
  const AnnRequest request{.settings = AnnSettings::parse("hnsw").take()};
  EXPECT_THROW(check_ann_request(words, request), Error);
  EXPECT_EQ(build_ann(words, {}, silent_progress()).made, "flat");
}

}  // namespace
}  // namespace nibble::rag
