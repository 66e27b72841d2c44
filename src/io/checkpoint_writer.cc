#include "io/checkpoint_writer.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "io/hugging_face.h"
#include "io/safetensors_writer.h"

namespace nibble::io {
namespace {

namespace fs = std::filesystem;

Failure io_failure(const fs::path& path, std::string_view doing, const std::error_code& error) {
  return fail(ErrorCode::kIo, "{}: {}: {}", path.string(), doing, error.message());
}

std::string temporary_prefix(const fs::path& folder) {
  return folder.filename().string() + ".tmp.";
}

/// Removes "FOLDER.tmp.PID" of processes that no longer run. One with our own number is from an
/// earlier life: in a container every program may be process 1.
void remove_leftovers(const fs::path& folder) {
  const std::string prefix = temporary_prefix(folder);
  std::error_code ignored;
  const fs::path parent = folder.has_parent_path() ? folder.parent_path() : ".";
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename().string();
    int pid = 0;
    if (name.starts_with(prefix) &&
        std::from_chars(name.data() + prefix.size(), name.data() + name.size(), pid).ptr ==
            name.data() + name.size() &&
        (pid == ::getpid() || (::kill(pid, 0) != 0 && errno == ESRCH))) {
      fs::remove_all(entry.path(), ignored);
    }
  }
}

/// The writer keeps the tensors twice for a moment (safetensors_writer.h).
Result<void> check_room(const fs::path& temporary, const fs::path& folder, std::size_t n_bytes) {
  std::error_code error;
  const fs::space_info space = fs::space(temporary, error);
  if (error || space.available / 2 >= n_bytes) {
    return {};
  }
  constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
  return fail(ErrorCode::kIo,
              "{}: writing needs {:.1f} GiB of disk, {:.1f} GiB are free",
              folder.string(),
              2 * static_cast<double>(n_bytes) / kGiB,
              static_cast<double>(space.available) / kGiB);
}

void sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    ::fsync(fd);
    ::close(fd);
  }
}

}  // namespace

fs::path without_trailing_slash(const fs::path& folder) {
  return folder.has_filename() ? folder : folder.parent_path();
}

struct CheckpointWriter::State {
  fs::path folder;
  fs::path temporary;
  SafetensorsWriter weights;
  Json codecs = Json::object();
  bool finished = false;
};

CheckpointWriter::CheckpointWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
CheckpointWriter::CheckpointWriter(CheckpointWriter&&) noexcept = default;

CheckpointWriter::~CheckpointWriter() {
  if (state_ && !state_->finished) {
    std::error_code ignored;
    fs::remove_all(state_->temporary, ignored);
  }
}

Result<CheckpointWriter> CheckpointWriter::create(const fs::path& path, std::size_t n_bytes) {
  const fs::path folder = without_trailing_slash(path);
  std::error_code error;
  if (fs::exists(folder, error) && !(fs::is_directory(folder) && fs::is_empty(folder, error))) {
    return fail(ErrorCode::kInvalidArgument,
                "{}: exists already; name a new folder or remove it",
                folder.string());
  }
  remove_leftovers(folder);
  const fs::path temporary =
      folder.parent_path() / (temporary_prefix(folder) + std::to_string(::getpid()));
  fs::create_directories(temporary, error);
  if (error) {
    return io_failure(folder, "cannot be created", error);
  }
  if (auto room = check_room(temporary, folder, n_bytes); !room) {
    fs::remove_all(temporary, error);
    return room.failure();
  }
  auto weights = SafetensorsWriter::create(temporary / "model.safetensors");
  if (!weights) {
    fs::remove_all(temporary, error);
    return weights.failure();
  }
  return CheckpointWriter(
      std::unique_ptr<State>(new State{folder, temporary, std::move(*weights)}));
}

Result<void> CheckpointWriter::add_tensor(std::string_view name, const Tensor& tensor) {
  return state_->weights.add(name, tensor);
}

Result<void> CheckpointWriter::add_tensor(std::string_view name,
                                          const codec::EncodedMatrix& matrix) {
  return add_tensor({std::string(name), {matrix.rows, matrix.cols}, matrix});
}

Result<void> CheckpointWriter::add_tensor(const StoredTensor& tensor) {
  const auto& [name, shape, matrix] = tensor;
  if (auto valid = matrix.codec->validate(matrix); !valid) {
    return fail(ErrorCode::kInvalidArgument, "{}: {}", name, valid.failure().message);
  }
  if (const Tensor* values = matrix.part("values"); values != nullptr && matrix.parts.size() == 1) {
    return add_tensor(name, values->reshaped(shape));
  }
  if (state_->codecs.contains(name)) {
    return fail(ErrorCode::kInvalidArgument, "tensor '{}': added twice", name);
  }
  for (const codec::Part& part : matrix.parts) {
    const std::string part_name = fmt::format("{}.{}", name, part.name);
    if (auto added = state_->weights.add(part_name, part.tensor); !added) {
      return added;
    }
  }
  state_->codecs[name] = {{"codec", matrix.codec->name()}, {"shape", shape}};
  return {};
}

Result<void> CheckpointWriter::add_companion(std::string_view file_name, std::string_view text) {
  if (!is_plain_file_name(file_name) || file_name == "config.json" ||
      file_name.ends_with(".safetensors")) {
    return fail(ErrorCode::kInvalidArgument, "'{}' is not a name for a companion file", file_name);
  }
  return write_file_atomic(state_->temporary / file_name, text);
}

void CheckpointWriter::set_metadata(std::string key, std::string value) {
  state_->weights.set_metadata(std::move(key), std::move(value));
}

Result<void> CheckpointWriter::lay_out() {
  if (!state_->codecs.empty()) {
    set_metadata(std::string(kCodecsKey), dump_json(state_->codecs));
  }
  return state_->weights.lay_out();
}

Result<void> CheckpointWriter::finish(const Json& config) {
  if (!state_->codecs.empty()) {
    set_metadata(std::string(kCodecsKey), dump_json(state_->codecs));
  }
  if (auto written = state_->weights.finish(); !written) {
    return written;
  }
  if (auto written =
          write_file_atomic(state_->temporary / "config.json",
                            config.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
      !written) {
    return written;
  }
  std::error_code error;
  fs::rename(state_->temporary, state_->folder, error);
  if (error) {
    return io_failure(state_->folder, "rename", error);
  }
  state_->finished = true;
  sync_folder(state_->folder.parent_path());
  return {};
}

}  // namespace nibble::io
