/// One GET at a time, with bounds on everything that a server decides.
///
/// Retried, after a pause that doubles: no connection, a time-out, a body that ends early, 429 and
/// 5xx. A server's Retry-After is honoured up to `longest_pause`. Every other status ends the call.
///
/// Units      milliseconds, bytes
/// Threads    one client, one thread
/// Errors     kIo "URL: reason" after the last attempt, for another status with what the server
///            said, and for a body above `max_bytes`; kCancelled
/// Source     libcurl; RFC 9110 (ranges: section 14), RFC 8288 (links)
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nibble::data {

struct HttpOptions {
  std::size_t max_bytes = std::size_t{64} << 20;  ///< of one body
  std::size_t n_attempts = 6;
  std::chrono::milliseconds first_pause{500};
  std::chrono::milliseconds longest_pause{60'000};
  /// Of one attempt as a whole; of a download, without a byte.
  std::chrono::milliseconds timeout{60'000};
  std::string token =
      {};  ///< sent to the host that is asked, to none that it redirects to; "": none
};

/// What a server answered.
struct HttpReply {
  long status = 0;
  std::string body;
  std::string next_url;  ///< of the next page, where the reply names one; else ""
};

/// Where a download goes, piece by piece.
class HttpTarget {
 public:
  virtual ~HttpTarget() = default;
  /// Bytes that are there; an attempt asks for what follows them.
  [[nodiscard]] virtual std::size_t size() const = 0;
  virtual void append(std::string_view bytes) = 0;
  /// The server begins from the beginning.
  virtual void restart() = 0;
};

class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) = delete;

  /// The body. Only http and https, also behind a redirection.
  [[nodiscard]] Result<std::string> get(const std::string& url);
  /// The answer, whatever its status, once trying again is of no use.
  [[nodiscard]] Result<HttpReply> fetch(const std::string& url);
  /// Fills the target up to `n_bytes`. An attempt that brought anything is not counted; a status
  /// that is no success is in the reply, with nothing added.
  [[nodiscard]] Result<HttpReply> download(const std::string& url,
                                           std::size_t n_bytes,
                                           HttpTarget& target);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// For one value in a query: everything but letters, digits and "-._~" as %XX.
std::string url_encoded(std::string_view text);

}  // namespace nibble::data
