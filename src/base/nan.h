/// The number that stands for one that there is none of: missing is never zero.
///
/// Source     our own
#pragma once

#include <limits>

namespace nibble {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace nibble
