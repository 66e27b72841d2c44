#include "data/pull.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "data/manifest.h"
#include "data/pulled_rows.h"
#include "data/text_file.h"

namespace nibble::data {
namespace {

namespace fs = std::filesystem;
using Ordered = nlohmann::ordered_json;

constexpr std::size_t kMostRows = 20'000'000;

/// What the service says of a page.
struct Page {
  std::vector<Ordered> rows;
  std::size_t n_total = 0;
};

class PageReader {
 public:
  PageReader(std::string url, std::size_t offset) : url_(std::move(url)), offset_(offset) {}

  Page read(const std::string& body) const {
    const Json checked = parse_json(body, url_).take();  // bounds the nesting
    Ordered reply = Ordered::parse(body);
    if (!reply.is_object() || !reply.contains("rows") || !reply["rows"].is_array() ||
        !reply.contains("num_rows_total") || !reply["num_rows_total"].is_number_unsigned()) {
      reject("no page of rows, wanted 'rows' and 'num_rows_total'");
    }
    Page page;
    page.n_total = reply["num_rows_total"].get<std::size_t>();
    if (page.n_total > kMostRows) {
      reject(fmt::format("{} rows, wanted at most {}", page.n_total, kMostRows));
    }
    for (Ordered& entry : reply["rows"]) {
      page.rows.push_back(row_of(entry, offset_ + page.rows.size()));
    }
    return page;
  }

 private:
  [[noreturn]] void reject(std::string_view reason) const {
    raise(ErrorCode::kCorruptData, "{}: {}", url_, reason);
  }
  [[nodiscard]] Ordered row_of(Ordered& entry, std::size_t index) const {
    if (!entry.is_object() || !entry.contains("row") || !entry["row"].is_object() ||
        !entry.contains("row_idx") || !entry["row_idx"].is_number_unsigned()) {
      reject(fmt::format("row {} is no object with 'row' and 'row_idx'", index));
    }
    if (entry["row_idx"].get<std::size_t>() != index) {
      reject(fmt::format("row {}, wanted {}", entry["row_idx"].get<std::size_t>(), index));
    }
    if (entry.contains("truncated_cells") && !entry["truncated_cells"].empty()) {
      reject(fmt::format("row {}: the service cut cells of it", index));
    }
    return std::move(entry["row"]);
  }

  std::string url_;
  std::size_t offset_;
};

/// FILE.part: a line that says what it is, then a row a line.
class Part {
 public:
  Part(const fs::path& target, const CatalogFile& file)
      : path_(target.string() + ".part"),
        head_(dump_json(
            {{"dataset", file.dataset}, {"config", file.config}, {"split", file.split}})) {}

  /// Whole rows of an earlier pull; cuts off what follows them.
  std::size_t resume() {
    std::error_code absent;
    if (!fs::exists(path_, absent)) {
      return 0;
    }
    const std::string text = read_text_file(path_).take();
    const std::size_t whole = text.rfind('\n') + 1;  // npos + 1 is 0
    const auto lines = split_lines(std::string_view(text).substr(0, whole));
    if (lines.empty() || lines.front() != head_) {
      fs::remove(path_);
      return 0;
    }
    fs::resize_file(path_, whole);
    return lines.size() - 1;
  }

  void append(const std::vector<Ordered>& rows, bool is_new) {
    std::ofstream out(path_, std::ios::app | std::ios::binary);
    if (is_new) {
      out << head_ << '\n';
    }
    for (const Ordered& row : rows) {
      out << row.dump(-1, ' ', false, Ordered::error_handler_t::replace) << '\n';
    }
    if (!out.flush()) {
      raise(ErrorCode::kIo, "{}: cannot be written", path_.string());
    }
  }

  /// The rows as the file wants them.
  [[nodiscard]] std::string content(FileForm form) const {
    const std::string text = read_text_file(path_).take();
    const std::string_view rows = std::string_view(text).substr(text.find('\n') + 1);
    switch (form) {
      case FileForm::kText:
        return joined_texts(rows, path_.string());
      case FileForm::kSquad:
        return nested_squad(rows, path_.string());
      default:
        return std::string(rows);
    }
  }

  void remove() const {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

 private:
  fs::path path_;
  std::string head_;
};

/// A body that is JSON, asked for again where it is none: a proxy or a load balancer may have cut
/// it.
std::string fetch_json(HttpClient& client, const PullOptions& options, const std::string& url) {
  for (std::size_t attempt = 1;; ++attempt) {
    std::string body = client.get(url).take();
    if (attempt >= options.http.n_attempts || Json::accept(body)) {
      return body;
    }
  }
}

/// The config of the file's set that has its split: the only one, or the one called "default".
std::string find_config(HttpClient& client, const CatalogFile& file, const PullOptions& options) {
  const std::string url =
      fmt::format("{}/splits?dataset={}", options.base_url, url_encoded(file.dataset));
  const Json reply = parse_json(fetch_json(client, options, url), url).take();
  const auto splits = reply.is_object() ? reply.find("splits") : reply.end();
  if (splits == reply.end() || !splits->is_array()) {
    raise(ErrorCode::kCorruptData, "{}: no list of splits, wanted 'splits'", url);
  }
  std::vector<std::string> configs;
  for (const Json& split : *splits) {
    if (!split.is_object() || !split.contains("split") || !split.contains("config") ||
        !split["config"].is_string()) {
      raise(ErrorCode::kCorruptData, "{}: a split without 'config' and 'split'", url);
    }
    if (split["split"] == file.split) {
      configs.push_back(split["config"].get<std::string>());
    }
  }
  if (std::ranges::find(configs, "default") != configs.end()) {
    return "default";
  }
  if (configs.size() != 1) {
    raise(ErrorCode::kNotFound,
          "{}: {} parts have a split '{}'{}{}, wanted one, or one called 'default'",
          file.dataset,
          configs.size(),
          file.split,
          configs.empty() ? "" : ": ",
          fmt::join(configs, ", "));
  }
  return configs.front();
}

std::string page_url(const CatalogFile& file, const PullOptions& options, std::size_t offset) {
  return fmt::format("{}/rows?dataset={}&config={}&split={}&offset={}&length={}",
                     options.base_url,
                     url_encoded(file.dataset),
                     url_encoded(file.config),
                     url_encoded(file.split),
                     offset,
                     options.page_rows);
}

Page fetch_page(HttpClient& client,
                const CatalogFile& file,
                const PullOptions& options,
                std::size_t offset) {
  const std::string url = page_url(file, options, offset);
  return PageReader(url, offset).read(fetch_json(client, options, url));
}

std::size_t fetch_rows(CatalogFile file,
                       const PullOptions& options,
                       Part& part,
                       ProgressSink& progress) {
  HttpClient client(options.http);
  if (file.config.empty()) {
    file.config = find_config(client, file, options);
  }
  std::size_t n_rows = part.resume();
  std::optional<std::size_t> n_total;
  while (!n_total || n_rows < *n_total) {
    const Page page = fetch_page(client, file, options, n_rows);
    if (!n_total) {
      n_total = page.n_total;
      progress.begin(fmt::format("pull {}", file.path), *n_total);
      progress.advance(n_rows);
    }
    if (page.n_total != *n_total || n_rows + page.rows.size() > *n_total) {
      raise(ErrorCode::kCorruptData,
            "{}: the set has {} rows and had {}",
            file.dataset,
            page.n_total,
            *n_total);
    }
    if (page.rows.empty() && n_rows < *n_total) {
      raise(ErrorCode::kCorruptData,
            "{}: no rows behind row {} of {}",
            file.dataset,
            n_rows,
            *n_total);
    }
    part.append(page.rows, n_rows == 0);
    n_rows += page.rows.size();
    progress.advance(page.rows.size());
  }
  progress.end();
  if (n_rows == 0) {
    raise(ErrorCode::kCorruptData, "{}: a set without rows", file.dataset);
  }
  return n_rows;
}

/// The file as it lies there, compressed or not; "" for none.
fs::path present(const fs::path& path) {
  const fs::path compressed = path.string() + ".gz";
  return fs::exists(path) ? path : fs::exists(compressed) ? compressed : fs::path();
}

PulledFile known_file(const fs::path& path, const PullOptions& options) {
  PulledFile out{path, file_hash(path).take(), 0, true};
  const Manifest manifest = read_manifest(options.folder).take();
  const auto entry = manifest.find(fs::relative(path, options.folder).generic_string());
  if (entry != manifest.end() && entry->second != out.sha256) {
    raise(ErrorCode::kMismatch,
          "{}: not what SHA256SUMS says; remove the file to have it pulled again",
          path.string());
  }
  return out;
}

}  // namespace

Result<PulledFile> pull_file(const CatalogFile& file,
                             const PullOptions& options,
                             ProgressSink& progress) {
  try {
    const fs::path path = options.folder / file.path;
    if (const fs::path there = present(path); !there.empty()) {
      return known_file(there, options);
    }
    fs::create_directories(path.parent_path());
    Part part(path, file);
    const std::size_t n_rows = fetch_rows(file, options, part, progress);
    write_file_atomic(path, part.content(file.form)).take();
    Manifest manifest = read_manifest(options.folder).take();
    PulledFile out{path, file_hash(path).take(), n_rows, false};
    manifest[file.path] = out.sha256;
    write_manifest(options.folder, manifest).take();
    part.remove();
    return out;
  } catch (const Error& error) {
    return error.failure();
  } catch (const fs::filesystem_error& error) {
    return fail(ErrorCode::kIo, "{}", error.what());
  }
}

}  // namespace nibble::data
