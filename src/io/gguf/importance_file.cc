#include "io/gguf/importance_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/mapped_file.h"
#include "io/byte_reader.h"
#include "io/checkpoint.h"
#include "io/gguf/directory.h"

namespace nibble::io {
namespace {

using Entries = std::map<std::string, std::vector<float>, std::less<>>;

constexpr std::string_view kSums = ".in_sum2";
constexpr std::string_view kCounts = ".counts";

/// Divides sums by how many they were; refuses what no sum of squares can be.
std::vector<float> means(std::string_view name, std::vector<float> sums, float count) {
  for (float& value : sums) {
    value = count > 0.0F ? value / count : 1.0F;
    if (!(value >= 0.0F) || !std::isfinite(value)) {
      raise(ErrorCode::kCorruptData, "{}: {} is no mean of squares", name, value);
    }
  }
  return sums;
}

Entries read_gguf(const Checkpoint& file) {
  if (file.metadata().value("general.type", Json()) != "imatrix") {
    raise(ErrorCode::kCorruptData,
          "general.type: expected 'imatrix'; this is a GGUF file of another kind");
  }
  Entries out;
  for (const std::string& name : file.names()) {
    if (!name.ends_with(kSums)) {
      continue;
    }
    const std::string weight = name.substr(0, name.size() - kSums.size());
    const auto counts = codec::decode_all(file.tensor(weight + std::string(kCounts)).take().matrix);
    if (counts.size() != 1) {
      raise(ErrorCode::kUnsupported, "{}: {} experts are not supported", weight, counts.size());
    }
    out[weight] = means(weight, codec::decode_all(file.tensor(name).take().matrix), counts[0]);
  }
  return out;
}

Entries read_legacy(std::span<const std::byte> bytes) {
  constexpr std::int32_t kMostEntries = 65'536;
  ByteReader reader(bytes);
  const auto number = [&](std::string_view field, std::int32_t most) {
    const std::size_t at = reader.position();
    const auto n = reader.read<std::int32_t>(field);
    if (n < 0 || n > most) {
      raise(ErrorCode::kCorruptData,
            "{} at byte {}: {}; an importance matrix was wanted",
            field,
            at,
            n);
    }
    return static_cast<std::size_t>(n);
  };
  Entries out;
  for (std::size_t n = number("number of entries", kMostEntries); n > 0; --n) {
    std::string name(number("length of a name", 4096), '\0');
    std::ranges::generate(name, [&] { return reader.read<char>("name"); });
    const std::size_t calls = number("calls", 1 << 30);
    const std::size_t n_values = number("number of values", 1 << 24);
    if (n_values > reader.remaining() / sizeof(float)) {
      raise(ErrorCode::kCorruptData, "{}: {} values are past the end of the file", name, n_values);
    }
    std::vector<float> values(n_values);
    std::ranges::generate(values, [&] { return reader.read<float>("value"); });
    out[name] = means(name, std::move(values), calls > 0 ? static_cast<float>(calls) : 1.0F);
  }
  return out;
}

bool begins_with_gguf(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), "GGUF", 4) == 0;
}

}  // namespace

Result<ImportanceFile> ImportanceFile::open(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  if (!file) {
    return file.failure();
  }
  try {
    ImportanceFile out;
    const auto bytes = (*file)->bytes();
    out.entries_ =
        begins_with_gguf(bytes) ? read_gguf(*open_gguf(path).take()) : read_legacy(bytes);
    if (out.entries_.empty()) {
      raise(ErrorCode::kCorruptData, "no entries");
    }
    Sha256 hash;
    hash.bytes(bytes);
    out.hash_ = hash.hex();
    return out;
  } catch (const Error& error) {
    return error.failure().within(path.string());
  }
}

std::span<const float> ImportanceFile::find(std::string_view gguf_name) const {
  const auto found = entries_.find(gguf_name);
  return found == entries_.end() ? std::span<const float>() : found->second;
}

}  // namespace nibble::io
