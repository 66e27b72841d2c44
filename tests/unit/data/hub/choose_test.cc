#include "data/hub/choose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<HubFile> repository(std::initializer_list<const char*> paths) {
  std::vector<HubFile> out;
  for (const char* path : paths) {
    out.push_back({path, 1'500'000'000});
  }
  return out;
}

std::vector<std::string> chosen(const std::vector<HubFile>& files,
                                const std::vector<std::string>& patterns = {}) {
  std::vector<std::string> out;
  for (const HubFile& file : choose_files(files, patterns).take()) {
    out.push_back(file.path);
  }
  return out;
}

TEST(Choose, SafetensorsWithWhatBelongsToThem) {
  EXPECT_THAT(chosen(repository({".gitattributes",
                                 "1_Pooling/config.json",
                                 "LICENSE",
                                 "README.md",
                                 "chat_template.jinja",
                                 "config.json",
                                 "consolidated.safetensors",
                                 "model-00001-of-00002.safetensors",
                                 "model-00002-of-00002.safetensors",
                                 "model.safetensors.index.json",
                                 "name.Q4_K_M.gguf",
                                 "onnx/model.onnx",
                                 "onnx/config.json",
                                 "original/params.json",
                                 "params.json",
                                 "pytorch_model.bin",
                                 "pytorch_model.bin.index.json",
                                 "tokenizer.model"})),
              ElementsAre("1_Pooling/config.json",
                          "LICENSE",
                          "README.md",
                          "chat_template.jinja",
                          "config.json",
                          "model-00001-of-00002.safetensors",
                          "model-00002-of-00002.safetensors",
                          "model.safetensors.index.json",
                          "tokenizer.model"));
  EXPECT_THAT(chosen(repository({"consolidated.safetensors"})),
              ElementsAre("consolidated.safetensors"));
}

TEST(Choose, OneGgufModelIsTakenAndSeveralAreListed) {
  EXPECT_THAT(chosen(repository({"README.md", "a.gguf", "mmproj-a.gguf"})),
              ElementsAre("README.md", "a.gguf"));
  EXPECT_THAT(chosen(repository({"a-00001-of-00002.gguf", "a-00002-of-00002.gguf"})),
              ElementsAre("a-00001-of-00002.gguf", "a-00002-of-00002.gguf"));
  const auto open = choose_files(repository({"a.Q4_K_M.gguf", "a.Q8_0.gguf"}), {});
  EXPECT_EQ(open.failure().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(open.failure().message,
              AllOf(HasSubstr("2 GGUF models"), HasSubstr("1.5 GB  a.Q8_0.gguf")));
}

TEST(Choose, PatternsTakeWhatTheyMatchAndNothingElse) {
  const auto files = repository({"README.md", "a.Q4_K_M.gguf", "a.Q8_0.gguf", "sub/b.Q4_K_M.gguf"});
  EXPECT_THAT(chosen(files, {"*Q4_K_M.gguf"}), ElementsAre("a.Q4_K_M.gguf", "sub/b.Q4_K_M.gguf"));
  EXPECT_THAT(chosen(files, {"README*", "a.Q8*"}), ElementsAre("README.md", "a.Q8_0.gguf"));
  EXPECT_EQ(choose_files(files, {"*.bin"}).failure().code, ErrorCode::kNotFound);
}

TEST(Choose, PickledWeightsAreNotRead) {
  const auto pickled = choose_files(repository({"config.json", "pytorch_model.bin"}), {});
  EXPECT_EQ(pickled.failure().code, ErrorCode::kUnsupported);
  EXPECT_THAT(pickled.failure().message, HasSubstr("pickled"));
  EXPECT_THAT(choose_files(repository({"README.md"}), {}).failure().message,
              HasSubstr("no weights"));
}

TEST(Choose, SizesForPeople) {
  EXPECT_EQ(size_text(999), "999 B");
  EXPECT_EQ(size_text(270'000'000), "270.0 MB");
}

}  // namespace
}  // namespace nibble::data
