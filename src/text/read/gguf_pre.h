/// What GGUF's names of pre-tokenizers stand for.
///
/// Source     the names of llama.cpp
#pragma once

#include <array>
#include <string_view>

#include "text/split/scanners.h"

namespace nibble::text {

struct PreRow {
  std::string_view name;
  Pattern pattern;
  bool digits_first;  ///< each digit alone before the pattern
  bool nfc;
  bool ignore_merges;
  bool adds_bos;  ///< where the file does not say
};

inline constexpr std::array kGgufPre = {
    PreRow{"default", Pattern::kGpt2, false, false, false, false},
    PreRow{"gpt-2", Pattern::kGpt2, false, false, false, false},
    PreRow{"smollm", Pattern::kGpt2, true, false, false, false},
    PreRow{"qwen2", Pattern::kQwen2, false, true, false, false},
    PreRow{"llama-bpe", Pattern::kLlama3, false, false, true, true},
    PreRow{"llama3", Pattern::kLlama3, false, false, true, true},
    PreRow{"llama-v3", Pattern::kLlama3, false, false, true, true},
};

}  // namespace nibble::text
