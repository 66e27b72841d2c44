/// Numbers as Python's str() writes them; lm-eval's files hold log-probabilities as such texts.
///
/// Source     Python 3 `float.__repr__`: shortest digits that read back, ".0" behind whole numbers
#pragma once

#include <string>

namespace nibble::eval {

/// "-23.5", "-12.0", "1e-07", "nan", "inf".
std::string python_float(double value);
/// "True" or "False".
std::string python_bool(bool value);

}  // namespace nibble::eval
