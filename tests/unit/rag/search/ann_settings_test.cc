#include "rag/search/ann_settings.h"

#include <gmock/gmock.h>

namespace nibble::rag {
namespace {

using ::testing::HasSubstr;

TEST(AnnSettings, AreReadAndWrittenAsText) {
  for (const char* text : {"flat",
                           "hnsw",
                           "hnsw:M=32,efConstruction=400",
                           "hnsw:efConstruction=50",
                           "ivf-pq:nlist=1024,m=48"}) {
    EXPECT_EQ(AnnSettings::parse(text).take().text(), text);
  }
}

TEST(AnnSettings, RefuseWhatTheyAreNot) {
  for (const auto& [text, why] : {std::pair("ivf-qp", "expected flat, hnsw or ivf-pq"),
                                  std::pair("hnsww", "did you mean"),
                                  std::pair("flat:M=3", "no settings"),
                                  std::pair("hnsw:nlist=3", "M=…"),
                                  std::pair("hnsw:M", "M=…"),
                                  std::pair("hnsw:M=1", "from 2 to 256"),
                                  std::pair("hnsw:M=3x", "from 2 to 256"),
                                  std::pair("hnsw:M=-3", "from 2 to 256"),
                                  std::pair("ivf-pq:nlist=99999999999999999999", "from 1 to")}) {
    const auto parsed = AnnSettings::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.failure().message, HasSubstr(why));
  }
}

TEST(AnnSettings, DefaultsFollowTheNumberOfVectors) {
  const auto of = [](const char* text, std::size_t n, std::size_t dims) {
    return AnnSettings::parse(text).take().resolved(n, dims).take().text();
  };
  EXPECT_EQ(of("hnsw", 1'000, 384), "hnsw:M=16,efConstruction=200");
  EXPECT_EQ(of("hnsw:M=8", 1'000, 384), "hnsw:M=8,efConstruction=200");
  EXPECT_EQ(of("ivf-pq", 1'000'000, 384), "ivf-pq:nlist=4000,m=48");
  EXPECT_EQ(of("ivf-pq", 5'000, 384), "ivf-pq:nlist=128,m=48");
  EXPECT_EQ(of("ivf-pq", 1, 7), "ivf-pq:nlist=1,m=1");
  EXPECT_EQ(of("ivf-pq:nlist=100", 9, 10), "ivf-pq:nlist=9,m=1");
}

TEST(AnnSettings, MDividesTheDimension) {
  const auto bad = AnnSettings::parse("ivf-pq:m=50").take().resolved(100, 384);
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.failure().message, HasSubstr("384 dimensions of the vectors; 48 does"));
}

TEST(AnnSettings, AllowWhatWasNotAskedFor) {
  const auto made = AnnSettings::parse("hnsw:M=16,efConstruction=200").take();
  EXPECT_TRUE(AnnSettings::parse("hnsw").take().allows(made));
  EXPECT_TRUE(AnnSettings::parse("hnsw:M=16").take().allows(made));
  EXPECT_FALSE(AnnSettings::parse("hnsw:M=32").take().allows(made));
  EXPECT_FALSE(AnnSettings::parse("ivf-pq").take().allows(made));
}

TEST(AnnSettings, HnswHoldsTheVectorsAndIvfPqDoesNot) {
  const auto bytes = [](const char* text) {
    return AnnSettings::parse(text)
        .take()
        .resolved(1'000'000, 384)
        .take()
        .build_bytes(1'000'000, 384);
  };
  EXPECT_GT(bytes("hnsw"), 1'000'000.0 * (384 * 4 + 128));
  EXPECT_LT(bytes("hnsw"), 1'000'000.0 * (384 * 4 + 300));
  EXPECT_LT(bytes("ivf-pq"), bytes("hnsw") / 1.5);
  EXPECT_EQ(AnnSettings{}.build_bytes(1'000'000, 384), 0.0);
}

}  // namespace
}  // namespace nibble::rag
