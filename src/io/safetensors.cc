#include "io/safetensors.h"

#include <algorithm>
#include <cstring>

#include "base/checked_math.h"
#include "io/byte_reader.h"
#include "io/safetensors_header.h"
#include "io/stored.h"

namespace nibble::io {
namespace {

/// Checks one entry against its own shape and the data that follow the header.
void check_entry(const SafetensorsEntry& entry, std::size_t data_bytes) {
  if (entry.begin > entry.end || entry.end > data_bytes) {
    raise(ErrorCode::kCorruptData,
          "tensor '{}': data_offsets [{}, {}] are not inside the {} bytes of data; is the file "
          "truncated?",
          entry.name,
          entry.begin,
          entry.end,
          data_bytes);
  }
  const auto n = checked_product(entry.shape);
  const auto n_bytes = n ? checked_mul(*n, dtype_bytes(entry.dtype)) : std::nullopt;
  if (n_bytes != entry.end - entry.begin) {
    raise(ErrorCode::kCorruptData,
          "tensor '{}': data_offsets [{}, {}] do not hold {} {}",
          entry.name,
          entry.begin,
          entry.end,
          dtype_name(entry.dtype),
          shape_text(entry.shape));
  }
}

/// Sorts by position; then each tensor must begin where the one before it ends, and the last ends
/// with the file.
void check_cover(std::vector<SafetensorsEntry>& entries, std::size_t data_bytes) {
  std::ranges::sort(entries, [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::size_t end = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin != end) {
      raise(ErrorCode::kCorruptData,
            "tensor '{}': begins at {} of the data, {} where the tensor before it ends at {}",
            entry.name,
            entry.begin,
            entry.begin < end ? "an overlap," : "a hole,",
            end);
    }
    end = entry.end;
  }
  if (end != data_bytes) {
    raise(ErrorCode::kCorruptData, "the tensors end at {} of {} bytes of data", end, data_bytes);
  }
}

SafetensorsHeader parse(std::span<const std::byte> file) {
  ByteReader reader(file);
  const std::string_view json = reader.read_string("header length", kMaxSafetensorsHeader);
  SafetensorsHeader header = parse_safetensors_header(json).take();
  for (const SafetensorsEntry& entry : header.entries) {
    check_entry(entry, reader.remaining());
  }
  check_cover(header.entries, reader.remaining());
  for (SafetensorsEntry& entry : header.entries) {
    entry.begin += reader.position();
    entry.end += reader.position();
  }
  return header;
}

}  // namespace

Result<SafetensorsHeader> parse_safetensors(std::span<const std::byte> file) {
  try {
    return parse(file);
  } catch (const Error& error) {
    return error.failure();
  }
}

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  auto file = MappedFile::open(path);
  if (!file) {
    return file.failure();
  }
  auto header = parse_safetensors((*file)->bytes());
  if (!header) {
    return header.failure().within(path.string());
  }
  return SafetensorsFile(std::move(*file), std::move(*header));
}

Result<Tensor> SafetensorsFile::tensor(std::string_view name) const {
  const auto found = std::ranges::find(entries(), name, &SafetensorsEntry::name);
  if (found == entries().end()) {
    std::vector<std::string> names;
    std::ranges::transform(entries(), std::back_inserter(names), &SafetensorsEntry::name);
    return no_such_tensor(name, names).within(file_->path().string());
  }
  return tensor(*found);
}

Tensor SafetensorsFile::tensor(const SafetensorsEntry& entry) const {
  const auto bytes = file_->bytes().subspan(entry.begin, entry.end - entry.begin);
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % dtype_bytes(entry.dtype) == 0) {
    return Tensor::borrow(entry.dtype, entry.shape, bytes, file_);
  }
  Tensor copy = Tensor::make(entry.dtype, entry.shape);
  std::ranges::copy(bytes, copy.mutable_bytes().begin());
  return copy;
}

}  // namespace nibble::io
