#include "model/gguf/metadata.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "model/companions.h"
#include "model/load.h"
#include "text/tokenizer_files.h"

namespace nibble::model {
namespace {

/// Digits, blanks, scripts, marks and what else cutters of words disagree on.
constexpr std::string_view kProbe =
    "The 2,048 quick\tbrown foxes' don't  jump;\n\n  naïve café — Größe, 東京 12345 tokens! "
    "résumé_x=3.14 <|im_end|> привет 👍🏽 ...";

class Pairs {
 public:
  explicit Pairs(std::string prefix) : prefix_(std::move(prefix)) {}
  void add(std::string_view key, io::GgufValue value) {
    pairs_.emplace_back(prefix_ + std::string(key), std::move(value));
  }
  void add_count(std::string_view key, std::size_t n) { add(key, static_cast<std::uint32_t>(n)); }
  template <class T>
  void add_list(std::string_view key, const std::vector<T>& values) {
    if (!values.empty()) {
      add(key, values);
    }
  }
  void add_id(std::string_view key, const std::optional<text::TokenId>& id) {
    if (id) {
      add(key, static_cast<std::uint32_t>(*id));
    }
  }
  void add_flag(std::string_view key, const std::optional<bool>& flag) {
    if (flag) {
      add(key, *flag);
    }
  }
  io::GgufPairs take() { return std::move(pairs_); }

 private:
  std::string prefix_;
  io::GgufPairs pairs_;
};

void add_windows(const ModelConfig& config, Pairs& pairs) {
  if (config.sliding_window == 0 || config.sliding_layers.empty()) {
    return;
  }
  pairs.add_count("attention.sliding_window", config.sliding_window);
  // Layer n, 2 n, … see everything.
  const auto wide = std::ranges::find(config.sliding_layers, std::uint8_t{0});
  if (wide != config.sliding_layers.end()) {
    pairs.add_count("attention.sliding_window_pattern",
                    static_cast<std::size_t>(wide - config.sliding_layers.begin()) + 1);
  }
  if (config.rope_local_theta > 0) {
    pairs.add("rope.freq_base_swa", config.rope_local_theta);
  }
}

Result<std::optional<text::GgufTokenizerSpec>> folder_spec(const io::Checkpoint& checkpoint) {
  const auto at = [&](std::string_view name) { return (checkpoint.path() / name).string(); };
  if (const auto nibble = checkpoint.companion(kNibbleTokenizerFile)) {
    auto spec = text::spec_from_json(*nibble, at(kNibbleTokenizerFile));
    return spec ? Result<std::optional<text::GgufTokenizerSpec>>(std::move(*spec)) : spec.failure();
  }
  if (const auto model = checkpoint.companion("tokenizer.model")) {
    auto spec = text::spec_from_sentencepiece(*model, at("tokenizer.model"));
    return spec ? Result<std::optional<text::GgufTokenizerSpec>>(std::move(*spec)) : spec.failure();
  }
  const auto json = checkpoint.companion("tokenizer.json");
  if (!json) {
    return std::optional<text::GgufTokenizerSpec>();
  }
  const auto config = checkpoint.companion("tokenizer_config.json");
  auto spec =
      text::spec_from_tokenizer_json(*json, config ? *config : std::string(), at("tokenizer.json"));
  return spec ? Result<std::optional<text::GgufTokenizerSpec>>(std::move(*spec)) : spec.failure();
}

/// Vocabularies are padded to the rows of the embedding.
void fill_up(std::size_t vocab, text::GgufTokenizerSpec& spec) {
  constexpr std::int32_t kNormal = 1;
  constexpr std::int32_t kUnused = 5;
  if (spec.types.empty()) {
    spec.types.assign(spec.tokens.size(), kNormal);
  }
  for (std::size_t i = spec.tokens.size(); i < vocab; ++i) {
    spec.tokens.push_back(fmt::format("[PAD{}]", i));
    spec.types.push_back(kUnused);
    if (!spec.scores.empty()) {
      spec.scores.push_back(-1000.0F);
    }
  }
}

/// Both tokenizers must give the same ids for a text that is hard to cut.
Result<void> compare(const io::Checkpoint& checkpoint, const text::GgufTokenizerSpec& spec) {
  const auto source = load_tokenizer(checkpoint);
  if (!source) {
    return source.failure();
  }
  const auto written = text::make_tokenizer(spec);
  if (!written) {
    return written.failure();
  }
  const auto ids = [&](const text::Tokenizer& tokenizer) {
    return tokenizer.encode(kProbe, text::AddSpecial::kYes);
  };
  const auto before = ids(**source);
  const auto after = ids(**written);
  if (before && after ? *before == *after : !before && !after) {
    return {};
  }
  return fail(ErrorCode::kUnsupported,
              "{}: GGUF's form of this tokenizer would give other ids",
              checkpoint.path().string());
}

io::GgufPairs tokenizer_pairs(const text::GgufTokenizerSpec& spec) {
  Pairs pairs("tokenizer.ggml.");
  pairs.add("model", spec.model);
  pairs.add("pre", spec.pre.empty() ? std::string("default") : spec.pre);
  pairs.add_list("tokens", spec.tokens);
  pairs.add_list("scores", spec.scores);
  pairs.add_list("token_type", spec.types);
  pairs.add_list("merges", spec.merges);
  pairs.add_id("bos_token_id", spec.bos);
  pairs.add_id("eos_token_id", spec.eos);
  pairs.add_id("padding_token_id", spec.pad);
  pairs.add_id("unknown_token_id", spec.unknown);
  pairs.add_flag("add_bos_token", spec.add_bos);
  pairs.add_flag("add_eos_token", spec.add_eos);
  pairs.add_flag("add_space_prefix", spec.add_space_prefix);
  return pairs.take();
}

}  // namespace

io::GgufPairs gguf_config_pairs(const ModelConfig& config) {
  Pairs general("general.");
  general.add("architecture", config.architecture);
  general.add("type", std::string("model"));
  general.add("name", config.name.empty() ? config.architecture : config.name);
  io::GgufPairs out = general.take();
  Pairs keys(config.architecture + ".");
  keys.add_count("block_count", config.n_layers);
  keys.add_count("context_length", config.context);
  keys.add_count("embedding_length", config.hidden);
  keys.add_count("feed_forward_length", config.intermediate);
  keys.add_count("attention.head_count", config.n_heads);
  keys.add_count("attention.head_count_kv", config.n_kv_heads);
  keys.add_count("attention.key_length", config.head_dim);
  keys.add_count("attention.value_length", config.head_dim);
  keys.add("attention.layer_norm_rms_epsilon", config.norm_epsilon);
  keys.add_count("rope.dimension_count", config.head_dim);
  keys.add("rope.freq_base", config.rope_theta);
  keys.add_count("vocab_size", config.vocab);
  if (config.rope_scaling.kind == ops::RopeScaling::Kind::kLinear) {
    keys.add("rope.scaling.type", std::string("linear"));
    keys.add("rope.scaling.factor", config.rope_scaling.factor);
  }
  if (config.attention_softcap > 0) {
    keys.add("attn_logit_softcapping", config.attention_softcap);
  }
  if (config.final_softcap > 0) {
    keys.add("final_logit_softcapping", config.final_softcap);
  }
  add_windows(config, keys);
  const io::GgufPairs of_family = keys.take();
  out.insert(out.end(), of_family.begin(), of_family.end());
  return out;
}

std::optional<std::vector<float>> gguf_rope_factors(const ModelConfig& config) {
  using Kind = ops::RopeScaling::Kind;
  if (config.rope_scaling.kind == Kind::kFactors) {
    return config.rope_scaling.factors;
  }
  if (config.rope_scaling.kind != Kind::kLlama3) {
    return std::nullopt;
  }
  const auto plain = ops::rope_inverse_frequencies(config.head_dim, config.rope_theta, {});
  std::vector<float> factors =
      ops::rope_inverse_frequencies(config.head_dim, config.rope_theta, config.rope_scaling);
  std::ranges::transform(plain, factors, factors.begin(), std::divides<>());
  return factors;
}

Result<io::GgufPairs> gguf_tokenizer_pairs(const io::Checkpoint& checkpoint,
                                           const ModelConfig& config) {
  const bool is_gguf = checkpoint.container() == io::Container::kGguf;
  std::optional<text::GgufTokenizerSpec> spec;
  if (!is_gguf) {
    auto found = folder_spec(checkpoint);
    if (!found) {
      return found.failure();
    }
    spec = std::move(*found);
  } else if (checkpoint.metadata().contains("tokenizer.ggml.model")) {
    auto found = text::spec_from_gguf_metadata(checkpoint.metadata());
    if (!found) {
      return found.failure();
    }
    spec = std::move(*found);
  }
  if (!spec) {
    return io::GgufPairs();
  }
  fill_up(config.vocab, *spec);
  if (auto same = compare(checkpoint, *spec); !same) {
    return same.failure();
  }
  io::GgufPairs out = tokenizer_pairs(*spec);
  const auto chat_template = read_chat_template(checkpoint);
  if (!chat_template) {
    return chat_template.failure();
  }
  if (!chat_template->empty()) {
    out.emplace_back("tokenizer.chat_template", *chat_template);
  }
  return out;
}

}  // namespace nibble::model
