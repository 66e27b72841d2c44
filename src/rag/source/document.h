/// What is indexed: one text with a name that nothing else has.
///
/// Source     our own
#pragma once

#include <string>

namespace nibble::rag {

struct Document {
  std::string name;   ///< "_id" of a JSON line, or the path below the folder
  std::string title;  ///< "" where there is none
  std::string text;   ///< UTF-8
};

}  // namespace nibble::rag
