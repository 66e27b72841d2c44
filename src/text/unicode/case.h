/// Letters in lower, upper and title case, one code point to one (Unicode simple mapping) but for
/// U+00DF, which becomes SS.
///
/// Source     Unicode through utf8proc; Python's str.lower, upper, capitalize and title differ only
///            for the few other letters whose case has another length (such as U+0130)
#pragma once

#include <string>
#include <string_view>

namespace nibble::text {

std::string lower_case(std::string_view text);
std::string upper_case(std::string_view text);
/// The first letter in title case, the others in lower case.
std::string capitalized(std::string_view text);
/// Each letter behind something that is none in title case, the others in lower case.
std::string title_case(std::string_view text);
/// Python's \w: letters, numbers and the underscore.
bool is_python_word(char32_t value) noexcept;

}  // namespace nibble::text
