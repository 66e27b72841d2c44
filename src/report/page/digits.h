/// Numbers as the data of a page has them: no more digits than a picture or a sort needs.
///
/// Source     our own
#pragma once

#include <optional>

namespace nibble::report {

/// With seven significant digits; nullopt for what JSON does not hold.
std::optional<double> seven_digits(std::optional<double> value);

}  // namespace nibble::report
