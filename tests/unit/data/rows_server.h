/// A server on this machine that behaves like a hub's rows service, and misbehaves like one.
#pragma once

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace nibble::data {

struct ServerReply {
  int status = 200;
  std::string body{};
  std::string headers{};                     ///< more header lines, each with its "\r\n"
  std::size_t n_missing = 0;                 ///< bytes of the body that never come
  std::chrono::milliseconds before_body{0};  ///< the server is slow
  bool closes_at_once = false;               ///< no answer at all
};

/// Answers one request a connection; `on_request(target, number)` says how.
class RowsServer {
 public:
  using OnRequest = std::function<ServerReply(const std::string& target, std::size_t number)>;

  explicit RowsServer(OnRequest on_request) : on_request_(std::move(on_request)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 16);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~RowsServer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    ::close(listener_);
    thread_.join();
  }
  RowsServer(const RowsServer&) = delete;
  RowsServer& operator=(const RowsServer&) = delete;

  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }
  [[nodiscard]] std::vector<std::string> targets() {
    const std::lock_guard lock(mutex_);
    return targets_;
  }
  /// The value of a header of the request that is being answered, for `on_request`; "" for none.
  [[nodiscard]] std::string header(const std::string& name) const {
    const std::size_t at = head_.find("\r\n" + name + ": ");
    if (at == std::string::npos) {
      return "";
    }
    const std::size_t begin = at + name.size() + 4;
    return head_.substr(begin, head_.find("\r\n", begin) - begin);
  }

 private:
  void serve() {
    while (!stopping_) {
      const int client = ::accept(listener_, nullptr, nullptr);
      if (client < 0) {
        continue;
      }
      answer(client);
      ::close(client);
    }
  }

  void answer(int client) {
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = ::recv(client, buffer, sizeof buffer, 0);
      if (n <= 0) {
        return;
      }
      request.append(buffer, static_cast<std::size_t>(n));
    }
    head_ = request;
    const std::size_t begin = request.find(' ') + 1;
    const std::string target = request.substr(begin, request.find(' ', begin) - begin);
    std::size_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = targets_.size();
      targets_.push_back(target);
    }
    const ServerReply reply = on_request_(target, number);
    if (reply.closes_at_once) {
      return;
    }
    send(client,
         fmt::format("HTTP/1.1 {} Status\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n",
                     reply.status,
                     reply.body.size(),
                     reply.headers));
    std::this_thread::sleep_for(reply.before_body);
    send(client, reply.body.substr(0, reply.body.size() - reply.n_missing));
  }

  static void send(int client, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
      const ssize_t n = ::send(client, text.data() + done, text.size() - done, MSG_NOSIGNAL);
      if (n <= 0) {
        return;
      }
      done += static_cast<std::size_t>(n);
    }
  }

  OnRequest on_request_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::string> targets_;
  std::string head_;
  std::thread thread_;
};

/// A number in the query: "offset=100".
inline std::size_t query_number(const std::string& target, const std::string& name) {
  const std::size_t at = target.find(name + "=");
  return at == std::string::npos ? 0 : std::stoul(target.substr(at + name.size() + 1));
}

/// The page that the service would give of `n_total` rows {"question": "q<i>", "answer": "a<i>"}.
inline std::string page_of(const std::string& target, std::size_t n_total) {
  const std::size_t offset = query_number(target, "offset");
  const std::size_t end = std::min(n_total, offset + query_number(target, "length"));
  std::string rows;
  for (std::size_t i = offset; i < end; ++i) {
    rows += fmt::format(R"({}{{"row_idx":{},"row":{{"question":"q{}","answer":"a{}"}},)"
                        R"("truncated_cells":[]}})",
                        i == offset ? "" : ",",
                        i,
                        i,
                        i);
  }
  return fmt::format(R"({{"features":[],"rows":[{}],"num_rows_total":{},)"
                     R"("num_rows_per_page":100,"partial":false}})",
                     rows,
                     n_total);
}

}  // namespace nibble::data
