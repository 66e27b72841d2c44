/// HellaSwag's text clean-up.
///
///   strip; " [title]" to ". "; every "[…]" deleted; each pair of blanks to one blank, once from
///   the left
///
/// Source     lm-evaluation-harness 0.4.13 `hellaswag/utils.py`
#pragma once

#include <string>
#include <string_view>

namespace nibble::eval {

std::string clean_hellaswag(std::string_view text);

}  // namespace nibble::eval
