#include "io/checkpoint.h"

#include "io/gguf.h"

namespace nibble::io {

namespace fs = std::filesystem;

Result<std::unique_ptr<Checkpoint>> open_checkpoint(const fs::path& path) {
  return open_gguf(path);
}

}  // namespace nibble::io
