/// What an index writes, in memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "base/error.h"
#include "rag/search/ann_index.h"

namespace nibble::rag::testing {

class BytesSink final : public ByteSink {
 public:
  void write(std::span<const std::byte> some) override {
    bytes.insert(bytes.end(), some.begin(), some.end());
  }
  std::vector<std::byte> bytes;
};

class BytesSource final : public ByteSource {
 public:
  explicit BytesSource(std::span<const std::byte> bytes) : left_(bytes) {}
  std::size_t remaining() const noexcept override { return left_.size(); }
  void read(std::span<std::byte> out) override {
    if (out.size() > left_.size()) {
      raise(ErrorCode::kCorruptData, "too few bytes");
    }
    std::memcpy(out.data(), left_.data(), out.size());
    left_ = left_.subspan(out.size());
  }

 private:
  std::span<const std::byte> left_;
};

inline std::vector<std::byte> bytes_of(const AnnIndex& index) {
  BytesSink sink;
  index.write(sink);
  return std::move(sink.bytes);
}

/// The message of the refusal of `bytes` as an index of `n` vectors; "" where they are taken.
inline std::string refusal(std::span<const std::byte> bytes,
                           const AnnSettings& settings,
                           std::size_t n,
                           std::size_t dims,
                           ThreadPool& pool) {
  BytesSource source(bytes);
  try {
    read_ann_index(source, settings, n, {n, dims}, pool);
    return "";
  } catch (const Error& error) {
    return error.code() == ErrorCode::kCorruptData ? error.what() : "not kCorruptData";
  }
}

}  // namespace nibble::rag::testing
