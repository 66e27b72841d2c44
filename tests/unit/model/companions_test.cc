#include "model/companions.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "io/checkpoint_writer.h"
#include "support/files.h"
#include "text/tokenizer_spec.h"

namespace nibble::model {
namespace {

using nibble::testing::TempFolder;

std::vector<std::string> names_of(const std::vector<Companion>& companions) {
  std::vector<std::string> out;
  for (const Companion& companion : companions) {
    out.push_back(companion.file_name);
  }
  return out;
}

TEST(Companions, OfAFolderAreItsKnownFilesByteForByte) {
  const TempFolder folder;
  auto writer = io::CheckpointWriter::create(folder / "m").take();
  writer.add_tensor("w", Tensor::make(DType::kF32, {1, 2})).take();
  const std::string binary("\0\x01\xFF piece", 9);
  writer.add_companion("tokenizer.model", binary).take();
  writer.add_companion("generation_config.json", "{}").take();
  writer.add_companion("README.md", "not copied").take();
  writer.finish({{"model_type", "llama"}, {"anything", 3}}).take();
  const auto checkpoint = io::open_checkpoint(folder / "m").take();
  const auto companions = companions_of(*checkpoint).take();
  EXPECT_THAT(names_of(companions),
              ::testing::UnorderedElementsAre("tokenizer.model", "generation_config.json"));
  EXPECT_EQ(companions.front().content, binary);
  EXPECT_EQ(config_json_of(*checkpoint, {}).at("anything"), 3)
      << "a folder's configuration is kept as it is";
}

TEST(Companions, OfAGgufFileAreMadeOfItsMetadata) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  const auto checkpoint = io::open_checkpoint(path).take();
  const auto companions = companions_of(*checkpoint).take();
  ASSERT_THAT(names_of(companions),
              ::testing::ElementsAre(kNibbleTokenizerFile, kChatTemplateFile));
  const auto spec = text::spec_from_json(companions[0].content, "companion").take();
  EXPECT_EQ(spec, text::spec_from_gguf_metadata(checkpoint->metadata()).take());
  EXPECT_EQ(companions[1].content, checkpoint->metadata().at("tokenizer.chat_template"));
  const auto config = read_config(*checkpoint).take();
  EXPECT_EQ(config_json_of(*checkpoint, config).at("hidden_size"), 576);
}

}  // namespace
}  // namespace nibble::model
