#include "io/checkpoint.h"

#include <array>
#include <fstream>

#include "io/gguf/directory.h"
#include "io/hugging_face.h"

namespace nibble::io {
namespace {

namespace fs = std::filesystem;

bool begins_with_gguf(const fs::path& path) {
  std::array<char, 4> magic{};
  std::ifstream file(path, std::ios::binary);
  file.read(magic.data(), magic.size());
  return file && std::string_view(magic.data(), magic.size()) == "GGUF";
}

Failure not_a_model(const fs::path& path) {
  const std::string extension = path.extension().string();
  if (extension == ".bin" || extension == ".pt" || extension == ".pth" || extension == ".ckpt") {
    return fail(ErrorCode::kUnsupported,
                "{}: pickle files can run code when they are read; convert it to safetensors",
                path.string());
  }
  if (extension == ".safetensors") {
    return fail(ErrorCode::kUnsupported,
                "{}: weights alone; name the folder that also holds config.json",
                path.string());
  }
  return fail(ErrorCode::kCorruptData,
              "{}: neither a GGUF file (magic at byte 0) nor a Hugging Face folder",
              path.string());
}

}  // namespace

Result<std::unique_ptr<Checkpoint>> open_checkpoint(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    return fail(ErrorCode::kNotFound, "{}: no such file or folder", path.string());
  }
  if (fs::is_directory(status)) {
    return open_hugging_face(path);
  }
  if (fs::is_regular_file(status) && !begins_with_gguf(path)) {
    return not_a_model(path);
  }
  return open_gguf(path);  // also says why a file cannot be opened
}

}  // namespace nibble::io
