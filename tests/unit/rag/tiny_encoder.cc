#include "unit/rag/tiny_encoder.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>

#include "base/json.h"
#include "io/safetensors_writer.h"

namespace nibble::rag::testing {
namespace {

constexpr std::size_t kLayers = 2, kIntermediate = 64, kPositions = 40;

std::vector<std::string> words() {
  std::vector<std::string> out = {"[PAD]", "[CLS]", "[SEP]", "[UNK]", "cat", "dog"};
  for (char c = 'a'; c <= 'z'; ++c) {
    out.emplace_back(1, c);
  }
  for (char c = 'a'; c <= 'z'; ++c) {
    out.push_back(std::string("##") + c);
  }
  return out;
}

std::string tokenizer_json() {
  Json vocab = Json::object();
  Json added = Json::array();
  const std::vector<std::string> all = words();
  for (std::size_t i = 0; i < all.size(); ++i) {
    vocab[all[i]] = i;
    if (all[i].starts_with("[")) {
      added.push_back({{"id", i},
                       {"content", all[i]},
                       {"special", true},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false}});
    }
  }
  const auto special = [](const char* name) {
    return Json{{"SpecialToken", {{"id", name}, {"type_id", 0}}}};
  };
  const Json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const auto entry = [](const char* name, int id) {
    return Json{{"id", name}, {"ids", {id}}, {"tokens", {name}}};
  };
  const Json processor = {
      {"type", "TemplateProcessing"},
      {"single", {special("[CLS]"), text, special("[SEP]")}},
      {"pair", Json::array()},
      {"special_tokens", {{"[CLS]", entry("[CLS]", 1)}, {"[SEP]", entry("[SEP]", 2)}}}};
  const Json out = {{"version", "1.0"},
                    {"truncation", nullptr},
                    {"padding", nullptr},
                    {"added_tokens", added},
                    {"normalizer",
                     {{"type", "BertNormalizer"},
                      {"clean_text", true},
                      {"handle_chinese_chars", true},
                      {"strip_accents", nullptr},
                      {"lowercase", true}}},
                    {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                    {"post_processor", processor},
                    {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
                    {"model",
                     {{"type", "WordPiece"},
                      {"unk_token", "[UNK]"},
                      {"continuing_subword_prefix", "##"},
                      {"max_input_chars_per_word", 100},
                      {"vocab", vocab}}}};
  return out.dump();
}

/// Random weights, the same on every machine.
class Weights {
 public:
  explicit Weights(const std::filesystem::path& path)
      : writer_(io::SafetensorsWriter::create(path).take()) {}

  void add(const std::string& name, const Shape& shape, float spread, float middle = 0.0F) {
    std::size_t n = 1;
    for (const std::size_t d : shape) {
      n *= d;
    }
    std::vector<float> values(n);
    for (float& value : values) {
      value = middle + spread * (static_cast<float>(random_() % 20001U) * 1e-4F - 1.0F);
    }
    writer_.add(name, Tensor::from<float>(DType::kF32, shape, values)).take();
  }
  void linear(const std::string& stem, std::size_t rows, std::size_t cols) {
    add(stem + ".weight", {rows, cols}, 0.3F);
    add(stem + ".bias", {rows}, 0.1F);
  }
  void norm(const std::string& stem) {
    add(stem + ".weight", {TinyEncoder::kDims}, 0.2F, 1.0F);
    add(stem + ".bias", {TinyEncoder::kDims}, 0.1F);
  }
  void finish() { writer_.finish().take(); }

 private:
  io::SafetensorsWriter writer_;
  std::mt19937 random_{7};
};

void write_weights(const std::filesystem::path& path) {
  constexpr std::size_t n = TinyEncoder::kDims;
  Weights weights(path);
  weights.add("embeddings.word_embeddings.weight", {words().size(), n}, 1.0F);
  weights.add("embeddings.position_embeddings.weight", {kPositions, n}, 0.3F);
  weights.add("embeddings.token_type_embeddings.weight", {2, n}, 0.3F);
  weights.norm("embeddings.LayerNorm");
  for (std::size_t i = 0; i < kLayers; ++i) {
    const std::string at = fmt::format("encoder.layer.{}.", i);
    for (const char* name : {"query", "key", "value"}) {
      weights.linear(at + "attention.self." + name, n, n);
    }
    weights.linear(at + "attention.output.dense", n, n);
    weights.norm(at + "attention.output.LayerNorm");
    weights.linear(at + "intermediate.dense", kIntermediate, n);
    weights.linear(at + "output.dense", n, kIntermediate);
    weights.norm(at + "output.LayerNorm");
  }
  weights.finish();
}

}  // namespace

TinyEncoder::TinyEncoder(const std::string& pooling) {
  using nibble::testing::write_file;
  const Json config = {{"model_type", "bert"},
                       {"hidden_act", "gelu"},
                       {"vocab_size", words().size()},
                       {"hidden_size", kDims},
                       {"intermediate_size", kIntermediate},
                       {"num_hidden_layers", kLayers},
                       {"num_attention_heads", 2},
                       {"max_position_embeddings", kPositions},
                       {"type_vocab_size", 2},
                       {"layer_norm_eps", 1e-12}};
  write_file(folder_ / "config.json", config.dump());
  write_file(folder_ / "tokenizer.json", tokenizer_json());
  write_file(folder_ / "sentence_bert_config.json", R"({"max_seq_length": 16})");
  write_file(folder_ / "modules.json",
             R"([{"type": "sentence_transformers.models.Transformer", "path": ""},
                 {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
                 {"type": "sentence_transformers.models.Normalize", "path": "2_Normalize"}])");
  std::filesystem::create_directory(folder_ / "1_Pooling");
  const Json modes = {{"pooling_mode_mean_tokens", pooling == "mean"},
                      {"pooling_mode_cls_token", pooling == "cls"},
                      {"pooling_mode_max_tokens", pooling == "max"}};
  write_file(folder_ / "1_Pooling/config.json", modes.dump());
  write_weights(folder_ / "model.safetensors");
}

}  // namespace nibble::rag::testing
