#include "model/weights/weight_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace nibble::model {
namespace {

constexpr std::string_view kBlockPrefix = "model.layers.";

using NamePair = std::pair<std::string_view, std::string_view>;

constexpr std::array<NamePair, 3> kOutside = {
    {{"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}}};
constexpr std::array<NamePair, 11> kBlock = {{{"self_attn.q_proj", "attn_q"},
                                              {"self_attn.k_proj", "attn_k"},
                                              {"self_attn.v_proj", "attn_v"},
                                              {"self_attn.o_proj", "attn_output"},
                                              {"self_attn.q_norm", "attn_q_norm"},
                                              {"self_attn.k_norm", "attn_k_norm"},
                                              {"mlp.gate_proj", "ffn_gate"},
                                              {"mlp.up_proj", "ffn_up"},
                                              {"mlp.down_proj", "ffn_down"},
                                              {"input_layernorm", "attn_norm"},
                                              {"post_attention_layernorm", "ffn_norm"}}};
/// With norms behind the branches too, Hugging Face's "post_attention" is the one behind attention.
constexpr std::array<NamePair, 3> kSandwich = {{{"post_attention_layernorm", "post_attention_norm"},
                                                {"pre_feedforward_layernorm", "ffn_norm"},
                                                {"post_feedforward_layernorm", "post_ffw_norm"}}};

std::optional<std::string_view> look_up(std::span<const NamePair> pairs, std::string_view name) {
  const auto found = std::ranges::find(pairs, name, &NamePair::first);
  return found == pairs.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::optional<CanonicalName> parse_canonical(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) {
    return std::nullopt;
  }
  CanonicalName out;
  out.stem = name.substr(0, dot);
  out.kind = name.substr(dot + 1);
  if (out.stem.starts_with(kBlockPrefix)) {
    out.stem.remove_prefix(kBlockPrefix.size());
    const char* const end = out.stem.data() + out.stem.size();
    const auto [after, error] = std::from_chars(out.stem.data(), end, out.layer);
    if (error != std::errc{} || out.layer < 0 || after == end || *after != '.') {
      return std::nullopt;
    }
    out.stem.remove_prefix(static_cast<std::size_t>(after + 1 - out.stem.data()));
  }
  return out;
}

std::optional<std::string> gguf_name(const ModelConfig& config, std::string_view canonical_name) {
  const auto name = parse_canonical(canonical_name);
  if (!name) {
    return std::nullopt;
  }
  if (name->layer < 0) {
    const auto stem = look_up(kOutside, name->stem);
    return stem ? std::optional(fmt::format("{}.{}", *stem, name->kind)) : std::nullopt;
  }
  auto stem = config.sandwich_norms ? look_up(kSandwich, name->stem) : std::nullopt;
  if (!stem) {
    stem = look_up(kBlock, name->stem);
  }
  return stem ? std::optional(fmt::format("blk.{}.{}.{}", name->layer, *stem, name->kind))
              : std::nullopt;
}

std::vector<std::string> hf_names(std::string_view canonical_name) {
  std::vector<std::string> out = {std::string(canonical_name)};
  out.push_back("language_model." + out.front());
  constexpr std::string_view kModel = "model.";
  if (canonical_name.starts_with(kModel)) {
    out.push_back(fmt::format("model.language_model.{}", canonical_name.substr(kModel.size())));
  }
  return out;
}

}  // namespace nibble::model
