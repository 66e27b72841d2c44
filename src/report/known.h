/// A number, or why there is none.
///
/// Source     our own
#pragma once

#include <optional>
#include <string>

namespace nibble::report {

template <class T>
struct Known {
  std::optional<T> value;
  std::string reason;  ///< "not run yet"; empty when there is a value
};

}  // namespace nibble::report
