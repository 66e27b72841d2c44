#include "model/companions.h"

#include <array>
#include <nlohmann/json.hpp>

#include "model/config/hf_config.h"
#include "text/tokenizer_spec.h"

namespace nibble::model {
namespace {

constexpr std::array<std::string_view, 11> kFolderFiles = {"tokenizer.json",
                                                           "tokenizer.model",
                                                           "tokenizer_config.json",
                                                           "special_tokens_map.json",
                                                           "added_tokens.json",
                                                           "vocab.json",
                                                           "merges.txt",
                                                           "generation_config.json",
                                                           "chat_template.json",
                                                           kChatTemplateFile,
                                                           kNibbleTokenizerFile};

Result<std::vector<Companion>> copies(const io::Checkpoint& checkpoint) {
  std::vector<Companion> out;
  for (const std::string_view name : kFolderFiles) {
    auto content = checkpoint.companion(name);
    if (content) {
      out.push_back({std::string(name), std::move(*content)});
    } else if (content.failure().code != ErrorCode::kNotFound) {
      return content.failure();
    }
  }
  return out;
}

Result<std::vector<Companion>> from_gguf(const Json& metadata) {
  std::vector<Companion> out;
  if (metadata.contains("tokenizer.ggml.model")) {
    const auto spec = text::spec_from_gguf_metadata(metadata);
    if (!spec) {
      return spec.failure();
    }
    out.push_back({std::string(kNibbleTokenizerFile), text::spec_to_json(*spec)});
  }
  const auto chat_template = metadata.find("tokenizer.chat_template");
  if (chat_template != metadata.end() && chat_template->is_string()) {
    out.push_back({std::string(kChatTemplateFile), chat_template->get<std::string>()});
  }
  return out;
}

}  // namespace

Result<std::vector<Companion>> companions_of(const io::Checkpoint& checkpoint) {
  return checkpoint.container() == io::Container::kGguf ? from_gguf(checkpoint.metadata())
                                                        : copies(checkpoint);
}

Json config_json_of(const io::Checkpoint& checkpoint, const ModelConfig& config) {
  return checkpoint.container() == io::Container::kGguf ? write_hf_config(config)
                                                        : checkpoint.metadata();
}

}  // namespace nibble::model
