/// Letters in lower and upper case, one code point to one (Unicode simple mapping).
///
/// Source     Unicode through utf8proc; Python's str.lower and str.capitalize differ only for the
///            few letters whose case has another length (such as U+0130)
#pragma once

#include <string>
#include <string_view>

namespace nibble::eval {

std::string lower_case(std::string_view text);
/// The first letter in title case, the others in lower case.
std::string capitalized(std::string_view text);

}  // namespace nibble::eval
