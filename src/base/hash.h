/// SHA-256, through OpenSSL's libcrypto.
///
/// Every unit of work is named by such a hash, so inputs are fed length first: the texts "ab","c"
/// and "a","bc" differ.
///
/// Source     FIPS 180-4; OpenSSL EVP
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace nibble {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  /// Raw bytes, as the standard's message.
  Sha256& bytes(std::span<const std::byte> data);
  /// One field of a structured key: its length as 8 little-endian bytes, then its bytes.
  Sha256& field(std::string_view text);

  /// 64 lower-case hexadecimal digits; the object is spent.
  [[nodiscard]] std::string hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

[[nodiscard]] std::string sha256_hex(std::string_view text);

}  // namespace nibble
