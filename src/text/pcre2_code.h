/// A compiled pattern of PCRE2 and the room for one match: what the regular expressions of tasks
/// and those of tokenizers have in common.
///
/// Threads    const after construction; a Pcre2Match belongs to one thread
/// Errors     thrown as Error: kOutOfMemory
/// Source     https://www.pcre.org/current/doc/html/pcre2api.html
#pragma once

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"

namespace nibble::text {

struct FreePcre2 {
  void operator()(pcre2_code* code) const noexcept { pcre2_code_free(code); }
  void operator()(pcre2_match_context* context) const noexcept {
    pcre2_match_context_free(context);
  }
  void operator()(pcre2_match_data* data) const noexcept { pcre2_match_data_free(data); }
};

using Pcre2Match = std::unique_ptr<pcre2_match_data, FreePcre2>;

struct Pcre2Code {
  /// Backtracking steps for one match: ordinary patterns need a few for each character.
  static constexpr std::uint32_t kMatchLimit = 10'000'000;

  /// Takes what `pcre2_compile` returned, which is not null.
  explicit Pcre2Code(pcre2_code* compiled)
      : code(compiled), context(pcre2_match_context_create(nullptr)) {
    if (!context) {
      raise(ErrorCode::kOutOfMemory, "no memory for a pattern");
    }
    pcre2_set_match_limit(context.get(), kMatchLimit);
  }

  [[nodiscard]] Pcre2Match room_for_match() const {
    Pcre2Match match(pcre2_match_data_create_from_pattern(code.get(), nullptr));
    if (!match) {
      raise(ErrorCode::kOutOfMemory, "no memory to match a pattern");
    }
    return match;
  }

  std::unique_ptr<pcre2_code, FreePcre2> code;
  std::unique_ptr<pcre2_match_context, FreePcre2> context;
};

/// What PCRE2 says about an error code of its own.
inline std::string pcre2_message(int error) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(error, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

}  // namespace nibble::text
