#include "io/gguf/writer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/cancel.h"
#include "base/checked_math.h"
#include "base/file.h"
#include "io/gguf/types.h"

namespace nibble::io {
namespace {

constexpr std::size_t kAlignment = 32;
constexpr std::uint32_t kVersion = 3;
constexpr std::uint32_t kArray = 9;

template <class T>
void put(std::string& out, T value) {
  std::array<char, sizeof(T)> raw;
  std::memcpy(raw.data(), &value, sizeof(T));
  out.append(raw.data(), raw.size());
}

void put(std::string& out, const std::string& text) {
  put<std::uint64_t>(out, text.size());
  out += text;
}

void put(std::string& out, bool value) {
  out += value ? '\1' : '\0';
}

/// The number of a value's type in the file.
template <class T>
constexpr std::uint32_t type_id() {
  if constexpr (std::is_same_v<T, std::uint32_t>) {
    return 4;
  } else if constexpr (std::is_same_v<T, std::int32_t>) {
    return 5;
  } else if constexpr (std::is_same_v<T, float>) {
    return 6;
  } else if constexpr (std::is_same_v<T, bool>) {
    return 7;
  } else {
    static_assert(std::is_same_v<T, std::string>);
    return 8;
  }
}

template <class T>
void put_value(std::string& out, const T& value) {
  put(out, type_id<T>());
  put(out, value);
}

template <class T>
void put_value(std::string& out, const std::vector<T>& values) {
  put(out, kArray);
  put(out, type_id<T>());
  put<std::uint64_t>(out, values.size());
  for (const T& value : values) {
    put(out, value);
  }
}

}  // namespace

Result<GgufWriter> GgufWriter::create(const std::filesystem::path& path) {
  auto spool = SpoolFile::create(path.parent_path());
  if (!spool) {
    return spool.failure();
  }
  return GgufWriter(path, std::move(*spool));
}

Result<void> GgufWriter::set(std::string_view key, const GgufValue& value) {
  if (std::ranges::find(keys_, key) != keys_.end()) {
    return fail(ErrorCode::kInvalidArgument, "{}: key '{}': set twice", path_.string(), key);
  }
  keys_.emplace_back(key);
  put(pairs_, keys_.back());
  std::visit([this](const auto& v) { put_value(pairs_, v); }, value);
  return {};
}

Result<void> GgufWriter::pad() {
  const std::array<std::byte, kAlignment> zeros{};
  const std::size_t n = round_up(spool_.size(), kAlignment) - spool_.size();
  return spool_.append(std::span(zeros).first(n));
}

Result<void> GgufWriter::add_tensor(const StoredTensor& tensor) {
  if (std::ranges::find(entries_, tensor.name, &Entry::name) != entries_.end()) {
    return fail(
        ErrorCode::kInvalidArgument, "{}: tensor '{}': added twice", path_.string(), tensor.name);
  }
  const auto type = gguf_type_id(tensor.matrix.codec->name());
  if (!type) {
    return type.failure().within(tensor.name);
  }
  if (auto valid = tensor.matrix.codec->validate(tensor.matrix); !valid) {
    return fail(ErrorCode::kInvalidArgument, "{}: {}", tensor.name, valid.failure().message);
  }
  entries_.push_back({tensor.name, tensor.shape, *type, spool_.size()});
  if (auto appended = spool_.append(tensor.matrix.parts.front().tensor.bytes()); !appended) {
    return appended;
  }
  return pad();
}

std::string GgufWriter::directory() const {
  std::string out = "GGUF";
  put(out, kVersion);
  put<std::uint64_t>(out, entries_.size());
  put<std::uint64_t>(out, keys_.size());
  out += pairs_;
  for (const Entry& entry : entries_) {
    put(out, entry.name);
    put(out, static_cast<std::uint32_t>(entry.shape.size()));
    for (std::size_t i = entry.shape.size(); i-- > 0;) {  // innermost first
      put<std::uint64_t>(out, entry.shape[i]);
    }
    put(out, entry.type);
    put<std::uint64_t>(out, entry.offset);
  }
  out.resize(round_up(out.size(), kAlignment));
  return out;
}

Result<void> GgufWriter::finish() {
  auto file = AtomicFile::create(path_);
  if (!file) {
    return file.failure();
  }
  if (auto written = file->write(directory()); !written) {
    return written;
  }
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  for (std::size_t at = 0; at < spool_.size();) {
    cancel_flag().check();
    const auto piece = std::span(buffer).first(std::min(buffer.size(), spool_.size() - at));
    if (auto read = spool_.read(at, piece); !read) {
      return read;
    }
    if (auto written = file->write(std::span<const std::byte>(piece)); !written) {
      return written;
    }
    at += piece.size();
  }
  return file->commit();
}

}  // namespace nibble::io
