#include <cerrno>
#include <cstdio>
#include <cstring>

#include "app/command.h"
#include "base/error.h"

namespace nibble::app {

void print_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    raise(ErrorCode::kIo, "standard output: {}", std::strerror(errno));
  }
}

}  // namespace nibble::app
