#include "quant/mixture.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/suggest.h"
#include "codec/gguf_blocks.h"
#include "model/weights/weight_names.h"

namespace nibble::quant {
namespace {

constexpr std::array kMixtures = {
    Mixture{"q4_0", "q4_0"},
    Mixture{"q4_1", "q4_1"},
    Mixture{"q5_0", "q5_0"},
    Mixture{"q5_1", "q5_1"},
    Mixture{"q8_0", "q8_0"},
    Mixture{"q2_k", "q2_k"},
    Mixture{"q3_k_m", "q3_k"},
    Mixture{"q4_k_m", "q4_k"},
    Mixture{"q5_k_m", "q5_k"},
    Mixture{"q6_k", "q6_k"},
    Mixture{"iq4_nl", "iq4_nl"},
};

constexpr std::string_view kValue = "self_attn.v_proj";
constexpr std::string_view kOutput = "self_attn.o_proj";
constexpr std::string_view kDown = "mlp.down_proj";

enum class When : std::uint8_t {
  kAlways,
  kFirstTwo,
  kFirstSixteenth,
  kFirstEighth,
  kEndsAndThirds,  ///< the first and the last eighth, and every third layer between
  kSharedKeys,     ///< four or more queries share a key
};

struct MixtureRule {
  std::string_view mixture, stem;
  When when;
  std::string_view codec;
};

/// The first that fits.
constexpr std::array kRules = {
    MixtureRule{"q2_k", kValue, When::kSharedKeys, "q4_k"},
    MixtureRule{"q2_k", kValue, When::kAlways, "q3_k"},
    MixtureRule{"q2_k", kOutput, When::kAlways, "q3_k"},
    MixtureRule{"q2_k", kDown, When::kAlways, "q3_k"},
    MixtureRule{"q3_k_m", kValue, When::kFirstTwo, "q5_k"},
    MixtureRule{"q3_k_m", kValue, When::kAlways, "q4_k"},
    MixtureRule{"q3_k_m", kOutput, When::kAlways, "q4_k"},
    MixtureRule{"q3_k_m", kDown, When::kFirstSixteenth, "q5_k"},
    MixtureRule{"q3_k_m", kDown, When::kAlways, "q4_k"},
    MixtureRule{"q4_k_m", kValue, When::kEndsAndThirds, "q6_k"},
    MixtureRule{"q4_k_m", kDown, When::kEndsAndThirds, "q6_k"},
    MixtureRule{"q5_k_m", kValue, When::kEndsAndThirds, "q6_k"},
    MixtureRule{"q5_k_m", kDown, When::kEndsAndThirds, "q6_k"},
    MixtureRule{"iq4_nl", kValue, When::kSharedKeys, "q5_k"},
    MixtureRule{"iq4_nl", kDown, When::kFirstEighth, "q5_k"},
};

bool holds(When when, const model::ModelConfig& config, std::size_t layer) {
  const std::size_t n = config.n_layers;
  switch (when) {
    case When::kAlways:
      return true;
    case When::kFirstTwo:
      return layer < 2;
    case When::kFirstSixteenth:
      return layer < n / 16;
    case When::kFirstEighth:
      return layer < n / 8;
    case When::kEndsAndThirds:
      return layer < n / 8 || layer >= 7 * n / 8 || (layer - n / 8) % 3 == 2;
    case When::kSharedKeys:
      return config.n_heads / config.n_kv_heads >= 4;
  }
  return false;
}

std::string_view block_codec_of(const Mixture& mixture,
                                const model::ModelConfig& config,
                                const model::CanonicalName& name) {
  const auto rule = std::ranges::find_if(kRules, [&](const MixtureRule& r) {
    return r.mixture == mixture.name && r.stem == name.stem &&
           holds(r.when, config, static_cast<std::size_t>(name.layer));
  });
  const std::string_view codec = rule == kRules.end() ? mixture.codec : rule->codec;
  // Llama's 70 billion: eight queries share each value, so a wider type costs next to nothing.
  const bool is_70b = config.architecture == "llama" && config.n_layers == 80 &&
                      config.n_heads != config.n_kv_heads;
  return is_70b && name.stem == kValue && (codec == "q3_k" || codec == "q4_k") ? "q5_k" : codec;
}

std::string_view head_codec_of(const Mixture& mixture, std::size_t cols) {
  const auto codec = codec::gguf_block_codec(mixture.codec);
  return mixture.codec == "q8_0" || cols % codec->cols_unit() != 0 ? "q8_0" : "q6_k";
}

/// What stands in for a type whose blocks do not divide a row.
std::string_view narrower(std::string_view codec) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kInstead = {
      {{"q2_k", "q4_0"}, {"q3_k", "q4_0"}, {"q4_k", "q5_0"}, {"q5_k", "q5_1"}, {"q6_k", "q8_0"}}};
  const auto found =
      std::ranges::find(kInstead, codec, &std::pair<std::string_view, std::string_view>::first);
  return found == kInstead.end() ? codec : found->second;
}

}  // namespace

std::span<const Mixture> mixture_table() noexcept {
  return kMixtures;
}

Result<const Mixture*> find_mixture(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Mixture& mixture : kMixtures) {
    if (mixture.name == name) {
      return &mixture;
    }
    names.push_back(mixture.name);
  }
  return fail(ErrorCode::kUnsupported,
              "unknown mixture '{}'{}, expected one of: {}",
              name,
              did_you_mean(name, names),
              fmt::join(names, ", "));
}

std::shared_ptr<const codec::Codec> mixture_codec(const Mixture& mixture,
                                                  const model::ModelConfig& config,
                                                  const model::WeightInfo& weight) {
  const auto name = model::parse_canonical(weight.name);
  const bool is_head = weight.role == model::WeightRole::kHead ||
                       (weight.role == model::WeightRole::kEmbedding && config.tied_embeddings);
  std::string_view codec = mixture.codec;
  if (is_head) {
    codec = head_codec_of(mixture, weight.cols);
  } else if (name && weight.layer >= 0) {
    codec = block_codec_of(mixture, config, *name);
  }
  for (const std::string_view tried : {codec, narrower(codec)}) {
    auto found = codec::gguf_block_codec(tried);
    if (weight.cols % found->cols_unit() == 0) {
      return found;
    }
  }
  return nullptr;
}

}  // namespace nibble::quant
