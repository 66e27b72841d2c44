#include "report/page/script_json.h"

#include <nlohmann/json.hpp>

namespace nibble::report {

std::string script_json(const Json& value) {
  const std::string text = dump_json(value);
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace nibble::report
