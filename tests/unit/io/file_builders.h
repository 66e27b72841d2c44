/// Builds the bytes of small model files, right or wrong in one place, without the code under test.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace nibble::io {

/// Appends little-endian fields.
class Bytes {
 public:
  template <class T>
  Bytes& put(T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    text_.append(raw, sizeof(T));
    return *this;
  }
  /// Length as 8 bytes, then the text.
  Bytes& string(std::string_view text) {
    put<std::uint64_t>(text.size());
    text_ += text;
    return *this;
  }
  Bytes& raw(std::string_view bytes) {
    text_ += bytes;
    return *this;
  }
  Bytes& pad_to(std::size_t multiple) {
    text_.resize((text_.size() + multiple - 1) / multiple * multiple);
    return *this;
  }

  Bytes& gguf(std::uint32_t version, std::uint64_t n_tensors, std::uint64_t n_keys) {
    return raw("GGUF").put(version).put(n_tensors).put(n_keys);
  }
  Bytes& gguf_text(std::string_view key, std::string_view value) {
    return string(key).put<std::uint32_t>(8).string(value);
  }
  Bytes& gguf_u32(std::string_view key, std::uint32_t value) {
    return string(key).put<std::uint32_t>(4).put(value);
  }
  /// Dimensions innermost first, as the file has them.
  Bytes& gguf_tensor(std::string_view name,
                     std::initializer_list<std::uint64_t> dims,
                     std::uint32_t type,
                     std::uint64_t offset) {
    string(name).put<std::uint32_t>(static_cast<std::uint32_t>(dims.size()));
    for (const std::uint64_t dim : dims) {
      put(dim);
    }
    return put(type).put(offset);
  }

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(std::span(text_)); }

 private:
  std::string text_;
};

/// A safetensors file of this header and data.
inline std::string safetensors_bytes(std::string_view header, std::string_view data) {
  return Bytes().string(header).raw(data).text();
}

/// A small but complete GGUF file: metadata of several types, one F32 vector and one Q8_0 matrix of
/// 2 rows.
inline std::string small_gguf() {
  Bytes file;
  file.gguf(3, 2, 4);
  file.gguf_text("general.architecture", "llama");
  file.gguf_u32("llama.block_count", 7);
  file.string("tokenizer.ggml.tokens").put<std::uint32_t>(9).put<std::uint32_t>(8);
  file.put<std::uint64_t>(3).string("a").string("b").string("\xC4\xA0the");
  file.string("tokenizer.ggml.scores").put<std::uint32_t>(9).put<std::uint32_t>(6);
  file.put<std::uint64_t>(2).put(-1.5F).put(0.25F);
  file.gguf_tensor("norm", {3}, 0, 0);
  file.gguf_tensor("w", {32, 2}, 8, 32);
  file.pad_to(32);
  file.put(1.0F).put(2.0F).put(3.0F).pad_to(32);
  for (int row = 0; row < 2; ++row) {
    file.put<std::uint16_t>(0x3C00);  // 1.0
    for (int i = 0; i < 32; ++i) {
      file.put(static_cast<std::int8_t>(i - 16 * row));
    }
  }
  return file.text();
}

}  // namespace nibble::io
