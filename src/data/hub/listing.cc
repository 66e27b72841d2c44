#include "data/hub/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"

namespace nibble::data {
namespace {

constexpr std::size_t kMostFiles = 100'000;
constexpr std::size_t kShownReply = 200;

std::string variable_text(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// Each folder's name for a URL.
std::string encoded_path(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    out += url_encoded(path.substr(0, end));
    path.remove_prefix(end);
    if (!path.empty()) {
      out += '/';
      path.remove_prefix(1);
    }
  }
  return out;
}

std::string text_of(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string()
             ? object[key].get<std::string>()
             : "";
}

/// A name, or several, in the front matter of the model's page; else among its tags.
std::string licence_of(const Json& model) {
  const Json card = model.value("cardData", Json::object());
  const Json given = card.is_object() ? card.value("license", Json()) : Json();
  std::string out;
  if (given.is_string()) {
    out = given.get<std::string>();
  }
  for (const Json& one : given.is_array() ? given : Json::array()) {
    out += (out.empty() ? "" : ", ") + (one.is_string() ? one.get<std::string>() : "");
  }
  if (const std::string name = text_of(card, "license_name"); out == "other" && !name.empty()) {
    out = name;
  }
  for (const Json& tag : model.value("tags", Json::array())) {
    const std::string text = tag.is_string() ? tag.get<std::string>() : "";
    if (out.empty() && text.starts_with("license:")) {
      out = text.substr(std::string_view("license:").size());
    }
  }
  return out;
}

/// A path that stays below the folder it is put into.
bool is_safe(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\\') != std::string_view::npos ||
      path.find('\0') != std::string_view::npos) {
    return false;
  }
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view word = path.substr(0, end);
    if (word.empty() || word == "." || word == "..") {
      return false;
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return true;
}

HubFile file_of(const Json& entry, const std::string& url) {
  HubFile out{text_of(entry, "path"), 0, {}, text_of(entry, "oid")};
  const Json size = entry.value("size", Json());
  if (!is_safe(out.path) || !size.is_number_unsigned()) {
    raise(ErrorCode::kCorruptData, "{}: a file without a path below the folder, or a size", url);
  }
  out.n_bytes = size.get<std::size_t>();
  if (const Json large = entry.value("lfs", Json()); large.is_object()) {
    out.sha256 = text_of(large, "oid");
    out.git_oid.clear();
    out.n_bytes = large.value("size", out.n_bytes);
  }
  return out;
}

std::string get_checked(HttpClient& client,
                        const std::string& url,
                        const Hub& hub,
                        const std::string& what,
                        std::string& next_url) {
  HttpReply reply = client.fetch(url).take();
  if (reply.status != 200) {
    throw Error(refused(what, reply, hub));
  }
  next_url = std::move(reply.next_url);
  return std::move(reply.body);
}

std::vector<HubFile> list_files(HttpClient& client,
                                const Hub& hub,
                                const ModelName& name,
                                const std::string& commit) {
  std::vector<HubFile> out;
  std::string url = fmt::format("{}/api/models/{}/tree/{}?recursive=true",
                                hub.endpoint,
                                name.repository(),
                                url_encoded(commit));
  while (!url.empty()) {
    std::string next;
    const Json page =
        parse_json(get_checked(client, url, hub, name.repository(), next), url).take();
    if (!page.is_array() || out.size() + page.size() > kMostFiles) {
      raise(ErrorCode::kCorruptData, "{}: no list of at most {} files", url, kMostFiles);
    }
    for (const Json& entry : page) {
      if (text_of(entry, "type") == "file") {
        out.push_back(file_of(entry, url));
      }
    }
    if (!next.empty() && !next.starts_with(hub.endpoint + "/")) {
      raise(ErrorCode::kCorruptData, "{}: goes on at another server, {}", url, next);
    }
    url = next;
  }
  return out;
}

}  // namespace

Result<Hub> hub_of_environment() {
  Hub out;
  if (const std::string given = variable_text("HF_ENDPOINT"); !given.empty()) {
    out.endpoint = given;
  }
  while (out.endpoint.ends_with('/')) {
    out.endpoint.pop_back();
  }
  out.http.token = variable_text("HF_TOKEN");
  const bool is_private = out.endpoint.starts_with("https://") ||
                          out.endpoint.starts_with("http://127.0.0.1") ||
                          out.endpoint.starts_with("http://localhost");
  if (!out.http.token.empty() && !is_private) {
    return fail(ErrorCode::kInvalidArgument,
                "{}: HF_TOKEN is not sent without encryption, wanted an https endpoint",
                out.endpoint);
  }
  if (std::ranges::any_of(out.http.token, [](char c) { return c <= ' ' || c > '~'; })) {
    return fail(ErrorCode::kInvalidArgument, "HF_TOKEN has characters that no token has");
  }
  return out;
}

Result<HubListing> list_model(HttpClient& client, const Hub& hub, const ModelName& name) {
  try {
    const std::string url =
        fmt::format("{}/api/models/{}/revision/{}",
                    hub.endpoint,
                    name.repository(),
                    url_encoded(name.revision.empty() ? "main" : name.revision));
    std::string unused;
    const Json model =
        parse_json(get_checked(client, url, hub, name.repository(), unused), url).take();
    HubListing out{text_of(model, "sha"), "", {}};
    if (out.commit.empty()) {
      raise(ErrorCode::kCorruptData, "{}: no commit ('sha') in the reply", url);
    }
    out.licence = licence_of(model);
    out.files = list_files(client, hub, name, out.commit);
    return out;
  } catch (const Error& error) {
    return error.failure();
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::kCorruptData, "{}: {}", name.repository(), error.what());
  }
}

std::string file_url(const Hub& hub,
                     const ModelName& name,
                     const std::string& commit,
                     const std::string& path) {
  return fmt::format("{}/{}/resolve/{}/{}",
                     hub.endpoint,
                     name.repository(),
                     url_encoded(commit),
                     encoded_path(path));
}

Failure refused(const std::string& what, const HttpReply& reply, const Hub& hub) {
  const std::string said = reply.body.substr(0, kShownReply);
  const std::string_view page = hub.endpoint;
  if (reply.status == 404) {
    return fail(ErrorCode::kNotFound, "{}: not on {}: {}", what, page, said);
  }
  if (reply.status == 401 || reply.status == 403) {
    return fail(ErrorCode::kIo,
                "{}: {} does not give it to {}: no such model, or its terms are to be accepted on "
                "its page{}: {}",
                what,
                page,
                hub.http.token.empty() ? "strangers" : "this token",
                hub.http.token.empty() ? " and HF_TOKEN set" : "",
                said);
  }
  return fail(ErrorCode::kIo, "{}: {}: status {}: {}", what, page, reply.status, said);
}

}  // namespace nibble::data
