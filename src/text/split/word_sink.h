/// Where a splitter puts the parts of a text, in order. Valid for the call only.
#pragma once

#include <string_view>

#include "base/function_ref.h"

namespace nibble::text {

using WordSink = FunctionRef<void(std::string_view)>;

}  // namespace nibble::text
