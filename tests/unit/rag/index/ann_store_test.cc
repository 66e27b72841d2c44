#include "rag/index/ann_store.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "unit/rag/index/vector_file.h"
#include "unit/rag/search/ann_bytes.h"

namespace nibble::rag {
namespace {

using ::testing::HasSubstr;
using testing::VectorFile;

TEST(VectorsHash, IsThatOfThePrefixBehindEveryVector) {
  const std::vector<float> vectors = testing::clustered(3000, 4, 1);
  VectorsHash long_one;
  std::vector<std::string> after;
  for (std::size_t i = 0; i < 3000; ++i) {
    long_one.add(std::span(vectors).subspan(i * 4, 4));
    after.push_back(long_one.hex());
  }
  for (const std::size_t n : {1U, 1023U, 1024U, 1025U, 2048U, 3000U}) {
    VectorsHash hash;
    for (std::size_t i = 0; i < n; ++i) {
      hash.add(std::span(vectors).subspan(i * 4, 4));
    }
    EXPECT_EQ(hash.hex(), after[n - 1]) << n;
    EXPECT_EQ(hash.size(), n);
  }
  EXPECT_NE(after[5], after[6]);
}

class AnnStoreTest : public ::testing::Test {
 protected:
  AnnStoreTest() {
    VectorFile::put(index_, "d", kN, 1);
    record_.asked = AnnSettings::parse("hnsw").take();
    record_.made = record_.asked.resolved(kN, VectorFile::kDims).take();
    ann_ = make_ann_index(record_.made, {kN, VectorFile::kDims}, pool_);
    const auto vectors = testing::clustered(kN, VectorFile::kDims, 1);
    ann_->add({vectors.data(), kN, VectorFile::kDims});
    write_ann(index_, record_, ann_.get());
  }
  std::string refusal() {
    try {
      read_ann(index_, read_ann_record(index_), kN, pool_);
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
      return error.what();
    }
  }

  static constexpr std::size_t kN = 300;
  VectorFile file_;
  IndexFile index_ = file_.open();
  ThreadPool pool_{1};
  AnnRecord record_{.n = kN, .n_at_training = kN, .vectors_hash = "h"};
  std::unique_ptr<AnnIndex> ann_;
};

TEST_F(AnnStoreTest, GivesBackWhatWasStored) {
  const AnnRecord record = read_ann_record(index_);
  EXPECT_EQ(record.asked.text(), "hnsw");
  EXPECT_EQ(record.made.text(), "hnsw:M=16,efConstruction=200");
  EXPECT_EQ(record.n, kN);
  EXPECT_EQ(record.vectors_hash, "h");
  EXPECT_EQ(record.n_bytes, testing::bytes_of(*ann_).size());
  EXPECT_TRUE(is_ann_whole(index_, record));
  const auto read = read_ann(index_, record, kN, pool_);
  const auto vectors = testing::clustered(kN, VectorFile::kDims, 1);
  read->add({vectors.data(), kN, VectorFile::kDims});
  EXPECT_EQ(testing::bytes_of(*read), testing::bytes_of(*ann_));
}

TEST_F(AnnStoreTest, AFileOfOlderRunsIsFlat) {
  VectorFile older;
  IndexFile index = older.open();
  EXPECT_EQ(read_ann_record(index).made.kind, AnnKind::kFlat);
  EXPECT_EQ(read_ann_record(index).asked.kind, AnnKind::kFlat);
}

TEST_F(AnnStoreTest, RefusesOtherBytesThanWereWritten) {
  index_.database().execute("UPDATE ann SET bytes = substr(bytes, 1, length(bytes) - 1)");
  EXPECT_THAT(refusal(), HasSubstr("were written"));
  EXPECT_FALSE(is_ann_whole(index_, read_ann_record(index_)));
  index_.database().execute("DELETE FROM ann");
  EXPECT_THAT(refusal(), HasSubstr("has 0 bytes"));
  index_.database().execute("DROP TABLE ann");
  EXPECT_THAT(refusal(), HasSubstr("missing"));
}

TEST_F(AnnStoreTest, RefusesASwappedLinkThatIsNoDamageToTheGraph) {
  // The last four bytes are a link: 0 is a passage that there is.
  index_.database().execute(
      "UPDATE ann SET bytes = CAST(substr(bytes, 1, length(bytes) - 4) || x'00000000' AS BLOB)");
  EXPECT_THAT(refusal(), HasSubstr("other bytes than were written"));
}

TEST_F(AnnStoreTest, RefusesSettingsThatContradictTheFile) {
  for (const char* damage : {"value = 'hnws' WHERE name = 'ann.made'",
                             "value = 'ivf-pq:nlist=4,m=5' WHERE name = 'ann.made'",
                             "value = 'hnsw' WHERE name = 'ann.made'",
                             "value = '-1' WHERE name = 'ann.passages'",
                             "value = '99999999999' WHERE name = 'ann.passages'",
                             "value = '' WHERE name = 'ann.bytes'"}) {
    write_ann(index_, record_, ann_.get());
    index_.database().execute(fmt::format("UPDATE settings SET {}", damage));
    EXPECT_NE(refusal(), "") << damage;
  }
}

}  // namespace
}  // namespace nibble::rag
