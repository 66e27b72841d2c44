#include "app/online.h"

#include <cstdlib>
#include <string_view>

#include "base/error.h"

namespace nibble::app {

void check_online(std::initializer_list<const char*> variables) {
  for (const char* name : variables) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0' && std::string_view(value) != "0") {
      raise(ErrorCode::kIo, "{} is set: nothing is pulled", name);
    }
  }
}

}  // namespace nibble::app
