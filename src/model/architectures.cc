#include "model/architectures.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace nibble::model {

std::span<const Architecture> architecture_table() {
  static constexpr std::array<Architecture, 4> kTable = {{
      {.name = "llama",
       .hf_types = {"llama", "mistral"},
       .gguf_permutes_qk = true,
       .build = &build_llama},
      {.name = "qwen2", .hf_types = {"qwen2"}, .qkv_bias = true, .build = &build_llama},
      {.name = "qwen3", .hf_types = {"qwen3"}, .qk_norm = true, .build = &build_llama},
      {.name = "gemma3",
       .hf_types = {"gemma3_text", "gemma3"},
       .qk_norm = true,
       .sandwich_norms = true,
       .scales_embedding = true,
       .ties_by_default = true,
       .hf_norms_minus_one = true,
       .sliding_pattern = 6,
       .activation = ops::GateActivation::kGeluTanh,
       .build = &build_gemma3},
  }};
  return kTable;
}

const Architecture* find_architecture(std::string_view name) {
  const auto table = architecture_table();
  const auto row = std::ranges::find(table, name, &Architecture::name);
  return row == table.end() ? nullptr : &*row;
}

const Architecture* find_hf_architecture(std::string_view model_type) {
  if (model_type.empty()) {
    return nullptr;
  }
  const auto table = architecture_table();
  const auto row = std::ranges::find_if(table, [model_type](const Architecture& a) {
    return std::ranges::find(a.hf_types, model_type) != a.hf_types.end();
  });
  return row == table.end() ? nullptr : &*row;
}

std::string architecture_names() {
  std::vector<std::string_view> names;
  std::ranges::transform(architecture_table(),
                         std::back_inserter(names),
                         [](const Architecture& a) { return a.name; });
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace nibble::model
