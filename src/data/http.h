/// One GET at a time, with bounds on everything that a server decides.
///
/// Retried, after a pause that doubles: no connection, a time-out, a body that ends early, 429 and
/// 5xx. A server's Retry-After is honoured up to `longest_pause`. Every other status ends the call.
///
/// Units      milliseconds, bytes
/// Threads    one client, one thread
/// Errors     kIo "URL: reason" after the last attempt, for another status with what the server
///            said, and for a body above `max_bytes`; kCancelled
/// Source     libcurl; RFC 9110
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"

namespace nibble::data {

struct HttpOptions {
  std::size_t max_bytes = std::size_t{64} << 20;  ///< of one body
  std::size_t n_attempts = 6;
  std::chrono::milliseconds first_pause{500};
  std::chrono::milliseconds longest_pause{60'000};
  std::chrono::milliseconds timeout{60'000};  ///< of one attempt as a whole
};

class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) = delete;

  /// The body. Only http and https, also behind a redirection.
  [[nodiscard]] Result<std::string> get(const std::string& url);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// For one value in a query: everything but letters, digits and "-._~" as %XX.
std::string url_encoded(std::string_view text);

}  // namespace nibble::data
