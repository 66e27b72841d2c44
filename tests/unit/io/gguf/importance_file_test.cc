#include "io/gguf/importance_file.h"

#include <gmock/gmock.h>

#include "codec/dense.h"
#include "io/gguf/writer.h"
#include "support/files.h"
#include "unit/io/file_builders.h"

namespace nibble::io {
namespace {

using nibble::testing::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void add(GgufWriter& writer, std::string name, const std::vector<float>& values) {
  writer
      .add_tensor(
          {std::move(name),
           {1, values.size()},
           codec::dense_matrix(Tensor::from<float>(DType::kF32, {1, values.size()}, values))})
      .take();
}

std::filesystem::path write_gguf(const TempFolder& folder,
                                 const std::vector<float>& sums,
                                 const std::vector<float>& counts,
                                 const std::string& type = "imatrix") {
  const auto path = folder / "i.gguf";
  auto writer = GgufWriter::create(path).take();
  writer.set("general.type", type).take();
  add(writer, "blk.0.ffn_up.weight.in_sum2", sums);
  add(writer, "blk.0.ffn_up.weight.counts", counts);
  writer.finish().take();
  return path;
}

TEST(ImportanceFile, GgufHasSumsAndHowManyTheyAre) {
  const TempFolder folder;
  const auto file = ImportanceFile::open(write_gguf(folder, {8, 2, 0}, {4})).take();
  EXPECT_THAT(file.find("blk.0.ffn_up.weight"), ElementsAre(2.0F, 0.5F, 0.0F));
  EXPECT_TRUE(file.find("blk.0.ffn_down.weight").empty());
  EXPECT_EQ(file.hash().size(), 64U);
}

TEST(ImportanceFile, InputsThatWereNeverSeenCountAlike) {
  const TempFolder folder;
  const auto file = ImportanceFile::open(write_gguf(folder, {0, 0}, {0})).take();
  EXPECT_THAT(file.find("blk.0.ffn_up.weight"), ElementsAre(1.0F, 1.0F));
}

std::string legacy(std::int32_t n_values) {
  Bytes bytes;
  bytes.put<std::int32_t>(1).put<std::int32_t>(4).raw("a.bc").put<std::int32_t>(2);
  bytes.put<std::int32_t>(n_values).put(3.0F).put(5.0F);
  return bytes.put<std::int32_t>(7).text();  // and what follows the entries
}

TEST(ImportanceFile, TheOlderFormIsRead) {
  const TempFolder folder;
  nibble::testing::write_file(folder / "i.dat", legacy(2));
  const auto file = ImportanceFile::open(folder / "i.dat").take();
  EXPECT_EQ(file.size(), 1U);
  EXPECT_THAT(file.find("a.bc"), ElementsAre(1.5F, 2.5F));
}

TEST(ImportanceFile, BrokenAndForeignFilesAreRefused) {
  const TempFolder folder;
  const auto why = [](const std::filesystem::path& path) {
    return ImportanceFile::open(path).failure().message;
  };
  nibble::testing::write_file(folder / "short.dat", legacy(9));
  EXPECT_THAT(why(folder / "short.dat"), HasSubstr("a.bc: 9 values are past the end"));
  nibble::testing::write_file(folder / "text.dat", "importance: high");
  EXPECT_THAT(why(folder / "text.dat"), HasSubstr("an importance matrix was wanted"));
  nibble::testing::write_file(folder / "empty.dat", "");
  EXPECT_FALSE(ImportanceFile::open(folder / "empty.dat"));
  EXPECT_THAT(why(write_gguf(folder, {1}, {1}, "model")), HasSubstr("GGUF file of another kind"));
  EXPECT_THAT(why(write_gguf(folder, {-1}, {1})), HasSubstr("-1 is no mean of squares"));
  EXPECT_THAT(why(write_gguf(folder, {1, 1}, {1, 1})), HasSubstr("2 experts"));
  EXPECT_FALSE(ImportanceFile::open(folder / "none.dat"));
}

}  // namespace
}  // namespace nibble::io
