#include "data/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "base/cancel.h"
#include "base/error.h"

namespace nibble::data {
namespace {

using std::chrono::milliseconds;

constexpr long kMaxRedirections = 5;
constexpr long kRangeNotThere = 416;
constexpr std::size_t kMostOfAnError = std::size_t{1} << 16;
constexpr std::size_t kShownBody = 200;  // of what a server says about an error

/// What one attempt brought.
struct Reply {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string body;
  std::string error;
  std::string next_url;
  std::optional<milliseconds> retry_after;
};

/// Where the body of one attempt goes: into memory, or, with a target and a success, there.
struct Sink {
  CURL* handle;
  std::string body;
  std::size_t max_bytes;
  HttpTarget* target = nullptr;
  std::size_t offset = 0;   ///< what was asked for begins here
  std::size_t n_total = 0;  ///< bytes that the target wants
  bool has_begun = false;
  std::string fault{};             ///< why the transfer was ended
  std::exception_ptr thrown = {};  ///< by the target

  bool take(std::string_view bytes) {
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return target != nullptr && (status == 200 || status == 206) ? to_target(status, bytes)
                                                                 : to_memory(bytes);
  }

 private:
  bool to_memory(std::string_view bytes) {
    if (bytes.size() > max_bytes - body.size()) {
      fault = fmt::format("a body above {} bytes, wanted less", max_bytes);
      return false;
    }
    body.append(bytes);
    return true;
  }
  bool to_target(long status, std::string_view bytes) {
    if (!has_begun && !begin(status)) {
      return false;
    }
    if (bytes.size() > n_total - target->size()) {
      fault = fmt::format("more than the {} bytes that were announced", n_total);
      return false;
    }
    target->append(bytes);
    return true;
  }
  bool begin(long status) {
    has_begun = true;
    if (status == 200) {
      if (offset > 0) {
        target->restart();
      }
      return true;
    }
    const std::string wanted = fmt::format("bytes {}-", offset);
    curl_header* range = nullptr;
    if (curl_easy_header(handle, "Content-Range", 0, CURLH_HEADER, -1, &range) != CURLHE_OK ||
        !std::string_view(range->value).starts_with(wanted)) {
      fault = fmt::format("another part than '{}…', which was asked for", wanted);
      return false;
    }
    return true;
  }
};

/// No exception passes through libcurl.
std::size_t on_body(char* data, std::size_t size, std::size_t n, void* user) {
  auto& sink = *static_cast<Sink*>(user);
  try {
    return sink.take({data, size * n}) ? size * n : CURL_WRITEFUNC_ERROR;
  } catch (...) {
    sink.thrown = std::current_exception();
    return CURL_WRITEFUNC_ERROR;
  }
}

/// The address of `<…>; rel="next"` in a Link header; "" for none.
std::string next_link(CURL* handle) {
  curl_header* link = nullptr;
  if (curl_easy_header(handle, "Link", 0, CURLH_HEADER, -1, &link) != CURLHE_OK) {
    return "";
  }
  const std::string_view text = link->value;
  const std::size_t relation = text.find("rel=\"next\"");
  const std::size_t end = relation == std::string_view::npos ? relation : text.rfind('>', relation);
  const std::size_t begin = end == std::string_view::npos ? end : text.rfind('<', end);
  return begin == std::string_view::npos ? ""
                                         : std::string(text.substr(begin + 1, end - begin - 1));
}

struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

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
  std::unique_ptr<curl_slist, FreeList> headers;

  explicit Impl(HttpOptions given) : options(std::move(given)) {
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
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.timeout.count()));
    if (!options.token.empty()) {  // a redirection to another host goes without it
      headers.reset(curl_slist_append(nullptr, ("Authorization: Bearer " + options.token).c_str()));
      curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
    }
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  }
  ~Impl() { curl_easy_cleanup(handle); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Reply attempt(const std::string& url) {
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
    Sink sink{handle, {}, options.max_bytes};
    return perform(url, sink);
  }

  /// Without a bound on the time as a whole: a second without a byte is the smallest unit here.
  Reply attempt_download(const std::string& url, std::size_t n_bytes, HttpTarget& target) {
    const std::size_t offset = target.size();
    const std::string range = fmt::format("{}-", offset);
    const long seconds = std::max(1L, static_cast<long>(options.timeout.count() / 1000));
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, 0L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, seconds);
    curl_easy_setopt(handle, CURLOPT_RANGE, offset > 0 ? range.c_str() : nullptr);
    Sink sink{handle, {}, kMostOfAnError, &target, offset, n_bytes};
    Reply reply = perform(url, sink);
    curl_easy_setopt(handle, CURLOPT_RANGE, nullptr);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, 0L);
    return reply;
  }

 private:
  Reply perform(const std::string& url, Sink& sink) {
    char error[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &sink);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error);
    Reply reply;
    reply.code = curl_easy_perform(handle);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
    if (sink.thrown) {
      std::rethrow_exception(sink.thrown);
    }
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &reply.status);
    curl_off_t seconds = 0;
    curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds > 0) {
      constexpr curl_off_t kLongest = 24 * 3600;
      reply.retry_after = std::chrono::seconds(std::min(seconds, kLongest));
    }
    reply.error = sink.fault.empty() ? error : sink.fault;
    reply.next_url = next_link(handle);
    reply.body = std::move(sink.body);
    return reply;
  }
};

namespace {

Failure failure_of(const std::string& url, const Reply& reply, std::size_t n_attempts) {
  return fail(ErrorCode::kIo,
              "{}: {}{}",
              url,
              reason_of(reply),
              n_attempts > 1 ? fmt::format(" ({} attempts)", n_attempts) : "");
}

}  // namespace

HttpClient::HttpClient(HttpOptions options) : impl_(new Impl(std::move(options))) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;

Result<std::string> HttpClient::get(const std::string& url) {
  auto reply = fetch(url);
  if (!reply) {
    return reply.failure();
  }
  if (reply->status != 200) {
    return failure_of(url, {CURLE_OK, reply->status, reply->body, {}, {}, {}}, 1);
  }
  return std::move(reply->body);
}

Result<HttpReply> HttpClient::fetch(const std::string& url) {
  const HttpOptions& options = impl_->options;
  milliseconds wait = options.first_pause;
  for (std::size_t attempt = 1;; ++attempt) {
    cancel_flag().check();
    Reply reply = impl_->attempt(url);
    cancel_flag().check();
    if (!is_worth_another_try(reply) && reply.code == CURLE_OK) {
      return HttpReply{reply.status, std::move(reply.body), std::move(reply.next_url)};
    }
    if (!is_worth_another_try(reply) || attempt >= options.n_attempts) {
      return failure_of(url, reply, attempt);
    }
    pause(std::min(reply.retry_after.value_or(wait), options.longest_pause));
    wait = std::min(2 * wait, options.longest_pause);
  }
}

Result<HttpReply> HttpClient::download(const std::string& url,
                                       std::size_t n_bytes,
                                       HttpTarget& target) {
  const HttpOptions& options = impl_->options;
  milliseconds wait = options.first_pause;
  for (std::size_t attempt = 1;; ++attempt) {
    cancel_flag().check();
    const std::size_t before = target.size();
    Reply reply = impl_->attempt_download(url, n_bytes, target);
    cancel_flag().check();
    const bool is_success = reply.code == CURLE_OK && (reply.status == 200 || reply.status == 206);
    if (is_success && target.size() == n_bytes) {
      return HttpReply{reply.status, {}, {}};
    }
    if (reply.code == CURLE_OK && reply.status == kRangeNotThere) {
      target.restart();  // what is there is not of this file
    } else if (!is_success && !is_worth_another_try(reply)) {
      return reply.code == CURLE_OK ? Result<HttpReply>({reply.status, std::move(reply.body), {}})
                                    : failure_of(url, reply, attempt);
    }
    if (!is_success && target.size() > before) {
      attempt = 0;
      wait = options.first_pause;
    } else if (attempt >= options.n_attempts) {
      return is_success
                 ? fail(ErrorCode::kIo, "{}: ends at {} of {} bytes", url, target.size(), n_bytes)
                 : failure_of(url, reply, attempt);
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
