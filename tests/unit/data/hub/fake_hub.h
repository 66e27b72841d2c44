/// A hub on this machine: repositories of small files, with the faults that a test asks for.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <string>

#include "../rows_server.h"
#include "base/hash.h"
#include "data/hub/listing.h"

namespace nibble::data {

struct FakeFile {
  std::string content;
  bool is_large = false;    ///< kept by its SHA-256
  std::string false_oid{};  ///< what the listing says in the place of its hash
};

class FakeHub {
 public:
  FakeHub()
      : server_([this](const std::string& target, std::size_t number) {
          if (on_request) {
            if (const auto reply = on_request(target, number)) {
              return *reply;
            }
          }
          return answer(target);
        }) {}

  [[nodiscard]] Hub hub() const {
    Hub out{server_.url(), {}};
    out.http.first_pause = std::chrono::milliseconds{1};
    out.http.longest_pause = std::chrono::milliseconds{5};
    out.http.n_attempts = 3;
    return out;
  }
  RowsServer& server() { return server_; }

  std::map<std::string, FakeFile> files;
  std::string commit = "c0ffee";
  std::string model_json = R"("cardData":{"license":"apache-2.0"})";
  /// Answers in the place of the hub where it returns a reply.
  std::function<std::optional<ServerReply>(const std::string& target, std::size_t number)>
      on_request;

  /// As the hub would answer.
  ServerReply answer(const std::string& target) {
    if (target.starts_with("/api/models/org/name/revision/")) {
      return {200, fmt::format(R"({{"sha":"{}",{}}})", commit, model_json)};
    }
    if (target.starts_with("/api/models/org/name/tree/" + commit)) {
      return {200, tree()};
    }
    const std::string resolve = fmt::format("/org/name/resolve/{}/", commit);
    const auto file =
        target.starts_with(resolve) ? files.find(target.substr(resolve.size())) : files.end();
    if (file == files.end()) {
      return {404, "Entry not found"};
    }
    const std::string range = server_.header("Range");
    const std::string& content = file->second.content;
    if (range.empty()) {
      return {200, content};
    }
    const std::size_t begin = std::stoul(range.substr(range.find('=') + 1));
    return {206,
            content.substr(begin),
            fmt::format(
                "Content-Range: bytes {}-{}/{}\r\n", begin, content.size() - 1, content.size())};
  }

 private:
  [[nodiscard]] std::string tree() const {
    std::string out = R"([{"type":"directory","path":"onnx","size":0,"oid":"d"})";
    for (const auto& [path, file] : files) {
      const std::string sha256 = sha256_hex(file.content);
      const std::string oid = file.false_oid.empty() ? sha256 : file.false_oid;
      const std::string large =
          file.is_large
              ? fmt::format(R"(,"lfs":{{"oid":"{}","size":{}}})", oid, file.content.size())
              : "";
      out += fmt::format(R"(,{{"type":"file","path":"{}","size":{},"oid":"{}"{}}})",
                         path,
                         file.content.size(),
                         file.is_large ? "pointer" : file.false_oid,
                         large);
    }
    return out + "]";
  }

  RowsServer server_;
};

}  // namespace nibble::data
