#include "rag/encoder/config.h"

#include <gmock/gmock.h>

#include "unit/rag/tiny_encoder.h"

namespace nibble::rag {
namespace {

using ::testing::HasSubstr;
using testing::TinyEncoder;

Result<EncoderConfig> read(const TinyEncoder& encoder) {
  return read_encoder_config(*io::open_checkpoint(encoder.path()).take());
}

TEST(EncoderConfig, ReadsTheFolder) {
  const EncoderConfig config = read(TinyEncoder()).take();
  EXPECT_EQ(config.hidden, 32U);
  EXPECT_EQ(config.head_dim(), 16U);
  EXPECT_EQ(config.n_layers, 2U);
  EXPECT_EQ(config.max_tokens, 16U);
  EXPECT_EQ(config.n_positions, 40U);
  EXPECT_EQ(config.pooling, Pooling::kMean);
  EXPECT_TRUE(config.normalizes);
  EXPECT_EQ(config.query_prefix, "");
  EXPECT_EQ(read(TinyEncoder("cls"))->pooling, Pooling::kCls);
}

TEST(EncoderConfig, ReadsPromptsAndAPlainBert) {
  const TinyEncoder encoder;
  nibble::testing::write_file(encoder.path() / "config_sentence_transformers.json",
                              R"({"prompts": {"query": "Find: ", "document": "Text: "}})");
  std::filesystem::remove(encoder.path() / "modules.json");
  std::filesystem::remove(encoder.path() / "sentence_bert_config.json");
  const EncoderConfig config = read(encoder).take();
  EXPECT_EQ(config.query_prefix, "Find: ");
  EXPECT_EQ(config.passage_prefix, "Text: ");
  EXPECT_EQ(config.max_tokens, 40U);
  EXPECT_TRUE(config.normalizes);
}

TEST(EncoderConfig, RefusesWhatItWouldRunWrongly) {
  EXPECT_THAT(read(TinyEncoder("max")).failure().message, HasSubstr("pooling_mode_mean_tokens"));
  const TinyEncoder encoder;
  const std::string good = nibble::testing::read_file(encoder.path() / "config.json");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    nibble::testing::write_file(encoder.path() / "config.json", text);
    return read(encoder).failure();
  };
  EXPECT_EQ(with(R"("bert")", R"("roberta")").code, ErrorCode::kUnsupported);
  EXPECT_THAT(with(R"("gelu")", R"("relu")").message, HasSubstr("hidden_act"));
  EXPECT_THAT(with(R"("hidden_size":32)", R"("hidden_size":0)").message, HasSubstr("hidden_size"));
  EXPECT_EQ(with(R"("num_attention_heads":2)", R"("num_attention_heads":3)").code,
            ErrorCode::kCorruptData);
  EXPECT_EQ(with(R"("vocab_size":58)", R"("vocab_size":"many")").code, ErrorCode::kCorruptData);
}

TEST(EncoderConfig, RefusesModulesThatItDoesNotKnow) {
  const TinyEncoder encoder;
  nibble::testing::write_file(encoder.path() / "modules.json",
                              R"([{"type": "sentence_transformers.models.Dense", "path": "2"}])");
  EXPECT_THAT(read(encoder).failure().message, HasSubstr("'Dense'"));
  nibble::testing::write_file(encoder.path() / "modules.json", "[7]");
  EXPECT_EQ(read(encoder).failure().code, ErrorCode::kCorruptData);
}

}  // namespace
}  // namespace nibble::rag
