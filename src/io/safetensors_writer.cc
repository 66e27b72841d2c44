#include "io/safetensors_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/cancel.h"
#include "base/checked_math.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"

namespace nibble::io {
namespace {

using Order = std::vector<const SafetensorsEntry*>;

/// Largest elements first: then each tensor begins at a multiple of its element size, because the
/// header is 8-aligned.
Order data_order(const std::map<std::string, SafetensorsEntry, std::less<>>& entries) {
  Order order;
  for (const auto& [name, entry] : entries) {
    order.push_back(&entry);
  }
  std::ranges::stable_sort(order, std::greater<>(), [](const SafetensorsEntry* entry) {
    return dtype_bytes(entry->dtype);
  });
  return order;
}

std::string header_text(const Order& order, const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) {
    header["__metadata__"] = metadata;
  }
  std::size_t begin = 0;
  for (const SafetensorsEntry* entry : order) {
    const std::size_t end = begin + (entry->end - entry->begin);
    header[entry->name] = {{"dtype", dtype_name(entry->dtype)},
                           {"shape", entry->shape},
                           {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text = dump_json(header);
  text.resize(round_up(text.size(), 8), ' ');
  return text;
}

Result<void> write_header(AtomicFile& file, const std::string& text) {
  if (text.size() > kMaxSafetensorsHeader) {
    return fail(ErrorCode::kInvalidArgument, "a header of {} bytes is too large", text.size());
  }
  const std::uint64_t n_bytes = text.size();
  if (auto written = file.write(std::as_bytes(std::span(&n_bytes, 1))); !written) {
    return written;
  }
  return file.write(text);
}

Result<void> copy_data(AtomicFile& file, const SpoolFile& spool, const SafetensorsEntry& entry) {
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  for (std::size_t at = entry.begin; at < entry.end;) {
    cancel_flag().check();
    const auto piece = std::span(buffer).first(std::min(buffer.size(), entry.end - at));
    if (auto read = spool.read(at, piece); !read) {
      return read;
    }
    if (auto written = file.write(std::span<const std::byte>(piece)); !written) {
      return written;
    }
    at += piece.size();
  }
  return {};
}

/// Puts a header of the same length into the file that AtomicFile has not published yet, and
/// flushes it; an empty one changes nothing.
Result<void> change_file(const std::filesystem::path& path, std::string_view header) {
  const std::string temporary = fmt::format("{}.tmp.{}", path.string(), ::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CLOEXEC);
  bool is_done = fd >= 0;
  for (std::size_t at = 0; is_done && at < header.size();) {
    const ssize_t n = ::pwrite(
        fd, header.data() + at, header.size() - at, static_cast<off_t>(sizeof(std::uint64_t) + at));
    is_done = n > 0 || (n < 0 && errno == EINTR);
    at += n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  is_done = is_done && ::fdatasync(fd) == 0;
  const int error = errno;
  if (fd >= 0) {
    ::close(fd);
  }
  return is_done ? Result<void>()
                 : fail(ErrorCode::kIo, "{}: write: {}", path.string(), std::strerror(error));
}

}  // namespace

Result<SafetensorsWriter> SafetensorsWriter::create(const std::filesystem::path& path) {
  auto spool = SpoolFile::create(path.parent_path());
  if (!spool) {
    return spool.failure();
  }
  return SafetensorsWriter(path, std::move(*spool));
}

Result<void> SafetensorsWriter::add(std::string_view name, const Tensor& tensor) {
  if (name == "__metadata__" || utf8::first_invalid(name) || entries_.contains(name)) {
    return fail(ErrorCode::kInvalidArgument,
                "{}: tensor '{}': {}",
                path_.string(),
                name,
                entries_.contains(name) ? "added twice" : "not a name that the format allows");
  }
  SafetensorsEntry entry{std::string(name), tensor.dtype(), tensor.shape(), spool_.size(), 0};
  if (auto appended = spool_.append(tensor.bytes()); !appended) {
    return appended;
  }
  entry.end = spool_.size();
  entries_.emplace(name, std::move(entry));
  return {};
}

Result<void> SafetensorsWriter::lay_out() {
  auto file = AtomicFile::create(path_);
  if (!file) {
    return file.failure();
  }
  const Order order = data_order(entries_);
  header_ = header_text(order, metadata_);
  if (auto written = write_header(*file, header_); !written) {
    return written;
  }
  for (const SafetensorsEntry* entry : order) {
    if (auto copied = copy_data(*file, spool_, *entry); !copied) {
      return copied;
    }
  }
  if (auto flushed = change_file(path_, {}); !flushed) {
    return flushed;
  }
  laid_out_.emplace(std::move(*file));
  return {};
}

Result<void> SafetensorsWriter::finish() {
  const std::string header = header_text(data_order(entries_), metadata_);
  if (!laid_out_ || header.size() != header_.size()) {
    laid_out_.reset();
    if (auto made = lay_out(); !made) {
      return made;
    }
  } else if (header != header_) {
    if (auto changed = change_file(path_, header); !changed) {
      return changed;
    }
  }
  return laid_out_->commit();
}

}  // namespace nibble::io
