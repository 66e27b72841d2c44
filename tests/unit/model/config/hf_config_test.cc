#include "model/config/hf_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace nibble::model {
namespace {

using Kind = ops::RopeScaling::Kind;

Json base(const char* model_type) {
  return {{"model_type", model_type},
          {"vocab_size", 100},
          {"hidden_size", 64},
          {"intermediate_size", 128},
          {"num_hidden_layers", 4},
          {"num_attention_heads", 4},
          {"max_position_embeddings", 512},
          {"rms_norm_eps", 1e-5}};
}

ModelConfig read(const Json& json) {
  return read_hf_config(json, "config.json").take();
}

std::string message(const Json& json, ErrorCode code) {
  const auto result = read_hf_config(json, "config.json");
  if (result) {
    return "(read)";
  }
  EXPECT_EQ(result.failure().code, code) << result.failure().message;
  return result.failure().message;
}

TEST(HfConfig, ReadsALlamaWithItsDefaults) {
  const ModelConfig config = read(base("llama"));
  EXPECT_EQ(config.architecture, "llama");
  EXPECT_EQ(config.n_kv_heads, 4U);
  EXPECT_EQ(config.head_dim, 16U);
  EXPECT_EQ(config.rope_theta, 10000.0F);
  EXPECT_EQ(config.attention_scale, 0.25F);
  EXPECT_FALSE(config.tied_embeddings);
  EXPECT_EQ(config.sliding_window, 0U);
  EXPECT_EQ(config.norm_epsilon, 1e-5F);
}

TEST(HfConfig, ReadsBothSpellingsOfRope) {
  Json old_style = base("llama");
  old_style["rope_theta"] = 5e5;
  old_style["rope_scaling"] = {{"rope_type", "llama3"},
                               {"factor", 8.0},
                               {"low_freq_factor", 1.0},
                               {"high_freq_factor", 4.0},
                               {"original_max_position_embeddings", 256}};
  Json new_style = base("llama");
  new_style["rope_parameters"] = old_style["rope_scaling"];
  new_style["rope_parameters"]["rope_theta"] = 5e5;
  for (const Json& json : {old_style, new_style}) {
    const ModelConfig config = read(json);
    EXPECT_EQ(config.rope_theta, 5e5F);
    EXPECT_EQ(config.rope_scaling.kind, Kind::kLlama3);
    EXPECT_EQ(config.rope_scaling.factor, 8.0F);
    EXPECT_EQ(config.rope_scaling.original_context, 256U);
  }
}

TEST(HfConfig, MistralSlidesEverywhereUnlessItsWindowIsNull) {
  Json json = base("mistral");
  json["sliding_window"] = 32;
  const ModelConfig config = read(json);
  EXPECT_EQ(config.architecture, "llama");
  EXPECT_EQ(config.sliding_window, 32U);
  EXPECT_THAT(config.sliding_layers, ::testing::ElementsAre(1, 1, 1, 1));
  json["sliding_window"] = nullptr;
  EXPECT_EQ(read(json).sliding_window, 0U);
}

TEST(HfConfig, QwenSlidesOnlyWhenToldToAndFromALayerOn) {
  Json json = base("qwen2");
  json["sliding_window"] = 32;
  json["max_window_layers"] = 2;
  EXPECT_EQ(read(json).sliding_window, 0U);
  EXPECT_TRUE(read(json).qkv_bias);
  json["use_sliding_window"] = true;
  EXPECT_THAT(read(json).sliding_layers, ::testing::ElementsAre(0, 0, 1, 1));
  json["layer_types"] = {
      "full_attention", "sliding_attention", "full_attention", "sliding_attention"};
  EXPECT_THAT(read(json).sliding_layers, ::testing::ElementsAre(0, 1, 0, 1));
}

TEST(HfConfig, Gemma3NestedInAMultimodalFileHasItsDefaults) {
  // The 4B model's file says no more than this.
  const Json json = {{"model_type", "gemma3"},
                     {"text_config",
                      {{"model_type", "gemma3_text"},
                       {"hidden_size", 2560},
                       {"intermediate_size", 10240},
                       {"num_hidden_layers", 34},
                       {"sliding_window", 1024},
                       {"rope_scaling", {{"rope_type", "linear"}, {"factor", 8.0}}}}}};
  const ModelConfig config = read(json);
  EXPECT_EQ(config.architecture, "gemma3");
  EXPECT_EQ(config.n_heads, 8U);
  EXPECT_EQ(config.n_kv_heads, 4U);
  EXPECT_EQ(config.head_dim, 256U);
  EXPECT_EQ(config.vocab, 262208U);
  EXPECT_TRUE(config.tied_embeddings && config.qk_norm && config.sandwich_norms);
  EXPECT_EQ(config.rope_theta, 1e6F);
  EXPECT_EQ(config.rope_local_theta, 1e4F);
  EXPECT_EQ(config.rope_scaling.kind, Kind::kLinear);
  EXPECT_EQ(config.attention_scale, 1.0F / 16);
  EXPECT_EQ(config.embedding_scale, std::sqrt(2560.0F));
  EXPECT_EQ(config.sliding_layers[4], 1);
  EXPECT_EQ(config.sliding_layers[5], 0);
}

TEST(HfConfig, Gemma3ReadsSoftLimitsAndRopePerLayerType) {
  Json json = base("gemma3_text");
  json["head_dim"] = 16;
  json["num_key_value_heads"] = 2;
  json["query_pre_attn_scalar"] = 64;
  json["attn_logit_softcapping"] = 50.0;
  json["final_logit_softcapping"] = 30.0;
  json["sliding_window"] = 8;
  json["rope_parameters"] = {
      {"full_attention", {{"rope_theta", 1e6}, {"rope_type", "linear"}, {"factor", 4.0}}},
      {"sliding_attention", {{"rope_theta", 2e4}, {"rope_type", "default"}}}};
  const ModelConfig config = read(json);
  EXPECT_EQ(config.attention_scale, 0.125F);
  EXPECT_EQ(config.attention_softcap, 50.0F);
  EXPECT_EQ(config.final_softcap, 30.0F);
  EXPECT_EQ(config.rope_theta, 1e6F);
  EXPECT_EQ(config.rope_local_theta, 2e4F);
  EXPECT_EQ(config.rope_scaling.factor, 4.0F);
}

TEST(HfConfig, IsReadBackAsItWasWritten) {
  Json gemma = base("gemma3_text");
  gemma["sliding_window"] = 8;
  gemma["final_logit_softcapping"] = 30.0;
  Json mistral = base("mistral");
  mistral["sliding_window"] = 32;
  Json scaled = base("llama");
  scaled["rope_scaling"] = {{"rope_type", "factors"},
                            {"factors", {1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 8.0, 8.0}}};
  Json qwen = base("qwen2");
  qwen["use_sliding_window"] = true;
  qwen["sliding_window"] = 8;
  qwen["max_window_layers"] = 1;
  for (const Json& json : {gemma, mistral, scaled, qwen, base("qwen3")}) {
    const ModelConfig once = read(json);
    const Json written = write_hf_config(once);
    const ModelConfig twice = read(written);
    EXPECT_EQ(write_hf_config(twice), written);
    EXPECT_EQ(twice.architecture, once.architecture);
    EXPECT_EQ(twice.sliding_layers, once.sliding_layers);
    EXPECT_EQ(twice.rope_scaling.factors, once.rope_scaling.factors);
    EXPECT_EQ(twice.final_softcap, once.final_softcap);
    EXPECT_FLOAT_EQ(twice.attention_scale, once.attention_scale);
    EXPECT_EQ(twice.norm_epsilon, once.norm_epsilon);
  }
}

TEST(HfConfig, AnUnknownModelTypeIsNamedWithThoseThatAreKnown) {
  EXPECT_EQ(message(base("mamba"), ErrorCode::kUnsupported),
            "config.json: model_type 'mamba' is not supported; llama, qwen2, qwen3, gemma3 are");
  EXPECT_THAT(message(Json::object(), ErrorCode::kUnsupported),
              ::testing::HasSubstr("model_type ''"));
}

TEST(HfConfig, MissingAndImpossibleNumbersAreNamed) {
  Json json = base("llama");
  json.erase("hidden_size");
  EXPECT_EQ(message(json, ErrorCode::kCorruptData),
            "config.json: 'hidden_size': missing, wanted a positive integer");
  json = base("llama");
  json["num_key_value_heads"] = 3;
  EXPECT_EQ(message(json, ErrorCode::kCorruptData),
            "config.json: 4 heads cannot share 3 key/value heads");
  json = base("llama");
  json["head_dim"] = 15;
  EXPECT_THAT(message(json, ErrorCode::kCorruptData), ::testing::HasSubstr("15 is odd"));
  json = base("llama");
  json["num_hidden_layers"] = 5000;
  EXPECT_EQ(message(json, ErrorCode::kCorruptData),
            "config.json: 5000 layers, wanted at most 1024");
  json = base("llama");
  json["rope_theta"] = -1;
  EXPECT_THAT(message(json, ErrorCode::kCorruptData), ::testing::HasSubstr("must be positive"));
  json = base("llama");
  json["rope_scaling"] = {1};
  EXPECT_THAT(message(json, ErrorCode::kCorruptData),
              ::testing::HasSubstr("'rope_scaling': wanted an object or null"));
  json = base("qwen3");
  json["layer_types"] = {"full_attention"};
  json["use_sliding_window"] = true;
  json["sliding_window"] = 8;
  EXPECT_THAT(message(json, ErrorCode::kCorruptData),
              ::testing::HasSubstr("'layer_types': wanted one entry for each layer"));
}

TEST(HfConfig, FeaturesThatWouldChangeTheFunctionAreRefused) {
  const std::vector<std::pair<const char*, Json>> features = {
      {"attention_bias", true},
      {"mlp_bias", true},
      {"hidden_act", "relu"},
      {"partial_rotary_factor", 0.5},
      {"quantization_config", {{"quant_method", "quip"}}},
      {"rope_scaling", {{"rope_type", "yarn"}, {"factor", 4.0}}}};
  for (const auto& [key, value] : features) {
    Json json = base("llama");
    json[key] = value;
    message(json, ErrorCode::kUnsupported);
  }
}

}  // namespace
}  // namespace nibble::model
