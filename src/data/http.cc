#include "data/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <optional>
#include <thread>

#include "base/cancel.h"
#include "base/error.h"

namespace nibble::data {
namespace {

using std::chrono::milliseconds;

constexpr long kMaxRedirections = 5;
constexpr std::size_t kShownBody = 200;  // of what a server says about an error

/// What one attempt brought.
struct Reply {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string body;
  std::string error;
  std::optional<milliseconds> retry_after;
};

struct Sink {
  std::string body;
  std::size_t max_bytes;
  bool is_too_large = false;
};

std::size_t on_body(char* data, std::size_t size, std::size_t n, void* user) {
  auto& sink = *static_cast<Sink*>(user);
  const std::size_t n_bytes = size * n;
  if (n_bytes > sink.max_bytes - sink.body.size()) {
    sink.is_too_large = true;
    return 0;  // ends the transfer
  }
  sink.body.append(data, n_bytes);
  return n_bytes;
}

int on_progress(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return cancel_flag().requested() ? 1 : 0;
}

void initialize() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
      raise(ErrorCode::kInternal, "libcurl does not start");
    }
  });
}

bool is_worth_another_try(const Reply& reply) {
  switch (reply.code) {
    case CURLE_OK:
      return reply.status == 429 || reply.status >= 500;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return true;
    default:
      return false;
  }
}

std::string reason_of(const Reply& reply) {
  if (reply.code != CURLE_OK) {
    return reply.error.empty() ? curl_easy_strerror(reply.code) : reply.error;
  }
  return fmt::format("status {}{}{}",
                     reply.status,
                     reply.body.empty() ? "" : ": ",
                     std::string_view(reply.body).substr(0, kShownBody));
}

/// Sleeps in short steps, so that Ctrl-C is answered.
void pause(milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    cancel_flag().check();
    std::this_thread::sleep_for(std::min(time, milliseconds{50}));
  }
}

}  // namespace

struct HttpClient::Impl {
  HttpOptions options;
  CURL* handle = nullptr;

  explicit Impl(HttpOptions given) : options(given) {
    initialize();
    handle = curl_easy_init();
    if (handle == nullptr) {
      raise(ErrorCode::kOutOfMemory, "libcurl gives no handle");
    }
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMaxRedirections);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "nibble");
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  }
  ~Impl() { curl_easy_cleanup(handle); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Reply attempt(const std::string& url) {
    Sink sink{{}, options.max_bytes, false};
    char error[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &sink);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error);
    Reply reply;
    reply.code = curl_easy_perform(handle);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &reply.status);
    curl_off_t seconds = 0;
    curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds > 0) {
      constexpr curl_off_t kLongest = 24 * 3600;
      reply.retry_after = std::chrono::seconds(std::min(seconds, kLongest));
    }
    reply.error = sink.is_too_large
                      ? fmt::format("a body above {} bytes, wanted less", options.max_bytes)
                      : error;
    reply.body = std::move(sink.body);
    return reply;
  }
};

HttpClient::HttpClient(HttpOptions options) : impl_(new Impl(options)) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;

Result<std::string> HttpClient::get(const std::string& url) {
  const HttpOptions& options = impl_->options;
  milliseconds wait = options.first_pause;
  for (std::size_t attempt = 1;; ++attempt) {
    cancel_flag().check();
    Reply reply = impl_->attempt(url);
    cancel_flag().check();
    if (reply.code == CURLE_OK && reply.status == 200) {
      return std::move(reply.body);
    }
    if (!is_worth_another_try(reply) || attempt >= options.n_attempts) {
      return fail(ErrorCode::kIo,
                  "{}: {}{}",
                  url,
                  reason_of(reply),
                  attempt > 1 ? fmt::format(" ({} attempts)", attempt) : "");
    }
    pause(std::min(reply.retry_after.value_or(wait), options.longest_pause));
    wait = std::min(2 * wait, options.longest_pause);
  }
}

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') ||
                          std::string_view("-._~").find(c) != std::string_view::npos;
    out += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace nibble::data
