#include "base/hash.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "base/check.h"

namespace nibble {

struct Sha256::Context {
  Context() : md(EVP_MD_CTX_new()) {
    NIBBLE_CHECK(md != nullptr && EVP_DigestInit_ex(md, EVP_sha256(), nullptr) == 1,
                 "libcrypto has no SHA-256");
  }
  ~Context() { EVP_MD_CTX_free(md); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  EVP_MD_CTX* md;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::bytes(std::span<const std::byte> data) {
  NIBBLE_CHECK(EVP_DigestUpdate(context_->md, data.data(), data.size()) == 1, "SHA-256 update");
  return *this;
}

Sha256& Sha256::field(std::string_view text) {
  std::array<std::byte, 8> length{};
  const std::uint64_t n = text.size();
  std::memcpy(length.data(), &n, sizeof(n));
  bytes(length);
  return bytes(std::as_bytes(std::span(text)));
}

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  NIBBLE_CHECK(EVP_DigestFinal_ex(context_->md, digest.data(), &size) == 1, "SHA-256 final");
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    fmt::format_to(std::back_inserter(out), "{:02x}", digest[i]);
  }
  return out;
}

std::string sha256_hex(std::string_view text) {
  return Sha256().bytes(std::as_bytes(std::span(text))).hex();
}

}  // namespace nibble
