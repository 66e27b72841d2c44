#include "text/unicode/categories.h"

#include <utf8proc.h>

#include <algorithm>

namespace nibble::text {
namespace {

utf8proc_category_t category(char32_t value) noexcept {
  return utf8proc_category(static_cast<utf8proc_int32_t>(value));
}

bool is_space_control(char32_t value) noexcept {
  return (value >= 0x09 && value <= 0x0D) || value == 0x85;
}

bool is_ascii_punctuation(char32_t value) noexcept {
  return (value >= '!' && value <= '/') || (value >= ':' && value <= '@') ||
         (value >= '[' && value <= '`') || (value >= '{' && value <= '~');
}

}  // namespace

CharClass classify(char32_t value) noexcept {
  switch (category(value)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return CharClass::kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return CharClass::kNumber;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return CharClass::kSpace;
    default:
      return is_space_control(value) ? CharClass::kSpace : CharClass::kOther;
  }
}

namespace detail {

std::array<CharClass, 128> make_ascii_classes() noexcept {
  std::array<CharClass, 128> classes{};
  for (char32_t value = 0; value < classes.size(); ++value) {
    classes[value] = classify(value);
  }
  return classes;
}

}  // namespace detail

bool is_word_char(char32_t value) noexcept {
  switch (category(value)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return classify(value) == CharClass::kLetter || value == 0x200C || value == 0x200D;
  }
}

bool is_nonspacing_mark(char32_t value) noexcept {
  return category(value) == UTF8PROC_CATEGORY_MN;
}

bool is_bert_punctuation(char32_t value) noexcept {
  const utf8proc_category_t kind = category(value);
  return is_ascii_punctuation(value) ||
         (kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO);
}

bool is_bert_control(char32_t value) noexcept {
  if (value == '\t' || value == '\n' || value == '\r') {
    return false;
  }
  const utf8proc_category_t kind = category(value);
  return kind == UTF8PROC_CATEGORY_CC || kind == UTF8PROC_CATEGORY_CF ||
         kind == UTF8PROC_CATEGORY_CO;
}

bool is_cjk(char32_t value) noexcept {
  struct Block {
    char32_t first, last;
  };
  static constexpr Block kBlocks[] = {{0x4E00, 0x9FFF},
                                      {0x3400, 0x4DBF},
                                      {0x20000, 0x2A6DF},
                                      {0x2A700, 0x2B73F},
                                      {0x2B740, 0x2B81F},
                                      {0x2B920, 0x2CEAF},
                                      {0xF900, 0xFAFF},
                                      {0x2F800, 0x2FA1F}};
  return value >= 0x3400 && std::ranges::any_of(kBlocks, [&](const Block& block) {
           return value >= block.first && value <= block.last;
         });
}

}  // namespace nibble::text
