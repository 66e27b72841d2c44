#include "io/safetensors_writer.h"

#include <algorithm>
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

Result<void> SafetensorsWriter::finish() {
  auto file = AtomicFile::create(path_);
  if (!file) {
    return file.failure();
  }
  const Order order = data_order(entries_);
  if (auto written = write_header(*file, header_text(order, metadata_)); !written) {
    return written;
  }
  for (const SafetensorsEntry* entry : order) {
    if (auto copied = copy_data(*file, spool_, *entry); !copied) {
      return copied;
    }
  }
  return file->commit();
}

}  // namespace nibble::io
