#include "study/search/read_retrievers.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "support/files.h"

namespace nibble::study {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ReadRetrievers : public ::testing::Test {
 protected:
  ReadRetrievers() {
    std::filesystem::create_directories(folder_ / "here/mini");
    std::filesystem::create_directories(folder_ / "models/other");
  }
  std::vector<RetrieverSpec> read(const std::string& text) {
    const TomlDocument document = TomlDocument::parse(text, "study.toml").take();
    TomlTable root = document.root();
    return read_retrievers(root, folder_ / "here", folder_ / "models");
  }
  std::string refused(const std::string& text) {
    try {
      read("[[retriever]]\nname = \"a\"\n" + text);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  nibble::testing::TempFolder folder_;
};

TEST_F(ReadRetrievers, ReadsWordsAndVectors) {
  const auto specs = read(R"([[retriever]]
name = "words"
k1 = 1.2
[[retriever]]
name = "coded"
encoder = "mini"
codec = "int4g32a"
arithmetic = "native"
vectors = "binary"
rescore = 8
[[retriever]]
name = "graph"
mode = "hybrid"
encoder = "other"
index = "hnsw:M=8"
ef_search = 200
)");
  ASSERT_EQ(specs.size(), 3U);
  EXPECT_EQ(specs[0].settings.search.mode, rag::SearchMode::kBm25);
  EXPECT_EQ(specs[0].settings.search.bm25.k1, 1.2);
  EXPECT_EQ(specs[1].settings.search.mode, rag::SearchMode::kDense);
  EXPECT_EQ(specs[1].settings.encoder, folder_ / "here/mini");
  EXPECT_EQ(specs[1].settings.weights.codec, "int4g32a");
  EXPECT_EQ(specs[1].settings.weights.arithmetic, Arithmetic::kNative);
  EXPECT_EQ(specs[1].settings.search.codec, "binary");
  EXPECT_EQ(specs[1].settings.search.rescore, 8U);
  EXPECT_EQ(specs[2].settings.encoder, folder_ / "models/other");
  EXPECT_EQ(specs[2].settings.index.links, 8U);
  EXPECT_EQ(specs[2].settings.search.ann.ef_search, 200U);
}

TEST_F(ReadRetrievers, EachContradictionHasItsPlace) {
  EXPECT_THAT(refused("mode = \"dense\""), StartsWith("study.toml:3:"));
  EXPECT_THAT(refused("mode = \"dense\""), HasSubstr("dense wants encoder"));
  EXPECT_THAT(refused("mode = \"densse\""), HasSubstr("did you mean 'dense'?"));
  EXPECT_THAT(refused("mode = \"bm25\"\nencoder = \"mini\""), HasSubstr("bm25 searches words"));
  EXPECT_THAT(refused("codec = \"int8g32s\""), HasSubstr("wants encoder"));
  EXPECT_THAT(refused("encoder = \"none\""), HasSubstr("scripts/get-encoder"));
  const std::string dense = "encoder = \"mini\"\n";
  EXPECT_THAT(refused(dense + "codec = \"int9\""), HasSubstr("study.toml:4:"));
  EXPECT_THAT(refused(dense + "codec = \"binary\""), HasSubstr("binary"));
  EXPECT_THAT(refused(dense + "index = \"hsnw\""), HasSubstr("study.toml:4:"));
  EXPECT_THAT(refused(dense + "index = \"hnsw\"\nvectors = \"binary\""), HasSubstr("index flat"));
  EXPECT_THAT(refused(dense + "ef_search = 5"), HasSubstr("is of an index hnsw"));
  EXPECT_THAT(refused(dense + "index = \"hnsw\"\nnprobe = 5"), HasSubstr("is of an index ivf-pq"));
  EXPECT_THAT(refused(dense + "rescore = 5"), HasSubstr("others are exact"));
  EXPECT_THAT(refused(dense + "arithmetic = \"f16\""), HasSubstr("f32, native or deterministic"));
  EXPECT_THAT(refused(dense + "k1 = 1.0"), HasSubstr("is of bm25 and hybrid"));
  EXPECT_THAT(refused("b = 2.0"), HasSubstr("from 0 to 1"));
  EXPECT_THAT(refused("modus = \"bm25\""), HasSubstr("unknown key 'modus'"));
  EXPECT_THAT(refused("[[retriever]]\nname = \"a\"\nk1 = 2"),
              HasSubstr("two retrievers of the name"));
  EXPECT_THAT(refused("[[retriever]]\nname = \"b\""), HasSubstr("does the same as 'a'"));
  EXPECT_THAT(refused("[[retriever]]\nname = \"b/c\"\nk1 = 2"), HasSubstr("without a slash"));
}

TEST_F(ReadRetrievers, NamesMustBeKnown) {
  const std::vector<RetrieverSpec> known = {{"words"}, {"minilm"}};
  const auto names = [&known](const std::string& text) {
    const TomlDocument document = TomlDocument::parse(text, "study.toml").take();
    TomlTable table = document.root();
    return read_retriever_names(table, known);
  };
  EXPECT_THAT(names("retriever = [\"minilm\", \"words\"]"), ElementsAre("minilm", "words"));
  EXPECT_TRUE(names("").empty());
  const auto message = [&names](const std::string& text) -> std::string {
    try {
      names(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message("retriever = [\"minil\"]"), HasSubstr("did you mean 'minilm'?"));
  EXPECT_THAT(message("retriever = [\"words\", \"words\"]"), HasSubstr("listed twice"));
  EXPECT_THAT(message("retriever = []"), HasSubstr("expected the name of"));
}

}  // namespace
}  // namespace nibble::study
