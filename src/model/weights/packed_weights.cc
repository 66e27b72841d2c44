#include "model/weights/packed_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/numerics.h"

namespace nibble::model {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "nibble packed weights";
constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20;

/// The files whose change makes packed weights stale.
std::vector<fs::path> weight_files(const io::Checkpoint& checkpoint) {
  if (checkpoint.container() == io::Container::kGguf) {
    return {checkpoint.path()};
  }
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(checkpoint.path())) {
    const fs::path& path = entry.path();
    if (path.extension() == ".safetensors" || path.filename() == "config.json") {
      files.push_back(path);
    }
  }
  std::ranges::sort(files);
  return files;
}

/// What a file must say about itself to be read.
std::string identity(const io::Checkpoint& checkpoint, Arithmetic arithmetic) {
  std::string text = fmt::format("{}\nnumerics {}, panels {}, {}\n",
                                 kMagic,
                                 kNumericsRevision,
                                 ops::Linear::kStoredRevision,
                                 arithmetic == Arithmetic::kF32 ? "f32" : "codes");
  for (const fs::path& file : weight_files(checkpoint)) {
    text += fmt::format("{} {} {}\n",
                        file.filename().string(),
                        fs::file_size(file),
                        fs::last_write_time(file).time_since_epoch().count());
  }
  return text;
}

}  // namespace

class PackedWeights::Source final : public ByteSource {
 public:
  explicit Source(const fs::path& path) : file_(path, std::ios::binary) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    remaining_ = file_ && !error ? size : 0;
  }

  [[nodiscard]] std::size_t remaining() const noexcept override { return remaining_; }
  void read(std::span<std::byte> out) override {
    if (out.size() > remaining_ || !file_.read(reinterpret_cast<char*>(out.data()),
                                               static_cast<std::streamsize>(out.size()))) {
      raise(
          ErrorCode::kCorruptData, "packed weights: {} bytes expected, the file ends", out.size());
    }
    remaining_ -= out.size();
  }
  /// A text with its length before it, or nothing when it cannot be one.
  std::optional<std::string> read_text() {
    std::uint64_t n = 0;
    if (remaining_ < sizeof(n)) {
      return std::nullopt;
    }
    read(std::as_writable_bytes(std::span(&n, 1)));
    if (n > std::min<std::uint64_t>(remaining_, kMaxTextBytes)) {
      return std::nullopt;
    }
    std::string text(n, '\0');
    read(std::as_writable_bytes(std::span(text)));
    return text;
  }

 private:
  std::ifstream file_;
  std::size_t remaining_ = 0;
};

/// Remembers the first failure; what comes after it is dropped.
class PackedWeights::Sink final : public ByteSink {
 public:
  explicit Sink(const fs::path& path) : file_(AtomicFile::create(path)) {
    if (!file_) {
      failure_ = file_.failure();
    }
  }

  void write(std::span<const std::byte> bytes) override {
    if (!failure_) {
      keep_failure(file_->write(bytes));
    }
  }
  void write_text(std::string_view text) {
    const std::uint64_t n = text.size();
    write(std::as_bytes(std::span(&n, 1)));
    write(std::as_bytes(std::span(text)));
  }
  [[nodiscard]] std::optional<Failure> commit() {
    if (!failure_) {
      keep_failure(file_->commit());
    }
    return failure_;
  }

 private:
  void keep_failure(const Result<void>& result) {
    if (!result) {
      failure_ = result.failure();
    }
  }

  Result<AtomicFile> file_;
  std::optional<Failure> failure_;
};

fs::path PackedWeights::path_beside(const io::Checkpoint& checkpoint) {
  if (checkpoint.container() != io::Container::kGguf) {
    return checkpoint.path() / "model.packed";
  }
  fs::path path = checkpoint.path();
  path += ".packed";
  return path;
}

PackedWeights::PackedWeights(const io::Checkpoint& checkpoint, Arithmetic arithmetic)
    : path_(path_beside(checkpoint)) {
  const std::string wanted = identity(checkpoint, arithmetic);
  auto source = std::make_unique<Source>(path_);
  if (source->read_text() == wanted) {
    source_ = std::move(source);
    return;
  }
  sink_ = std::make_unique<Sink>(path_);
  sink_->write_text(wanted);
}

PackedWeights::~PackedWeights() = default;

ops::Linear PackedWeights::read(std::string_view name,
                                std::size_t rows,
                                std::size_t cols,
                                std::vector<float> bias) {
  try {
    if (const auto found = source_->read_text(); found != name) {
      raise(ErrorCode::kCorruptData, "found '{}'", found.value_or("(no name)"));
    }
    return ops::Linear::read(*source_, rows, cols, std::move(bias));
  } catch (const Error& error) {
    throw Error(
        error.failure().within(fmt::format("{}: damaged, delete it: {}", path_.string(), name)));
  }
}

void PackedWeights::add(std::string_view name, const ops::Linear& layer) {
  sink_->write_text(name);
  layer.write(*sink_);
}

void PackedWeights::finish(ProgressSink& progress) {
  if (sink_ == nullptr) {
    return;
  }
  if (const auto failure = sink_->commit()) {
    progress.note(fmt::format("packed weights are not kept: {}", failure->message));
  } else {
    progress.note(fmt::format("packed weights kept in {}", path_.string()));
  }
}

}  // namespace nibble::model
