#include "report/write.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <vector>

#include "base/file.h"
#include "base/thread_pool.h"
#include "report/findings.h"
#include "report/format.h"
#include "report/page.h"
#include "report/page/examples.h"
#include "report/page/recipes.h"
#include "report/tables.h"

namespace nibble::report {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kWaiting = 16;  // files that wait for the disk at a time

/// Folders that were not there before go again, unless there is something to keep in them.
class NewFolders {
 public:
  NewFolders() = default;
  ~NewFolders() {
    for (const fs::path& folder : made_) {
      std::error_code ignored;
      fs::remove(folder, ignored);  // one that is not empty stays
    }
  }
  NewFolders(const NewFolders&) = delete;
  NewFolders& operator=(const NewFolders&) = delete;

  /// With the folders that it lies in.
  void make(const fs::path& folder) {
    std::error_code error;
    for (fs::path one = folder; !one.empty() && !fs::exists(one, error); one = one.parent_path()) {
      made_.push_back(one);  // the innermost first
    }
    fs::create_directories(folder, error);
    if (error) {
      raise(ErrorCode::kIo, "{}: cannot create the folder: {}", folder.string(), error.message());
    }
  }
  void keep() { made_.clear(); }

 private:
  std::vector<fs::path> made_;
};

/// Files that appear together: none of them while there is no room for all.
class Staging {
 public:
  void add(const std::filesystem::path& path, std::string_view text) {
    files_.push_back(AtomicFile::create(path).take());
    files_.back().write(text).take();
  }
  /// The disk is waited for by many at a time, which it serves together.
  void publish() {
    ThreadPool pool(std::min(files_.size(), kWaiting));
    pool.run(files_.size(),
             [this](std::size_t i, std::size_t /*worker*/) { files_[i].commit().take(); });
  }

 private:
  std::vector<AtomicFile> files_;
};

std::string markdown_of(const Data& data,
                        const Findings& findings,
                        const std::vector<Table>& tables) {
  std::string out = fmt::format("# {}\n\n", escape_markdown(data.name));
  if (!findings.compared.empty()) {
    out += fmt::format("{}\n\n", escape_markdown(findings.compared));
  }
  out += fmt::format("**{}**\n\n", escape_markdown(findings.headline));
  if (!findings.qualifier.empty()) {
    out += fmt::format("{}\n\n", escape_markdown(findings.qualifier));
  }
  for (const std::string& text : findings.details) {
    out += fmt::format("- {}\n", escape_markdown(text));
  }
  for (const std::string& text : data.notes) {
    out += fmt::format("\n> {}\n", escape_markdown(text));
  }
  for (const Table& table : tables) {
    out += fmt::format("\n## {}\n\n{}.\n\n{}",
                       escape_markdown(table.title),
                       escape_markdown(table.caption),
                       markdown(table));
  }
  return out;
}

}  // namespace

std::string markdown_report(const Data& data) {
  return markdown_of(data, find(data), all_tables(data));
}

fs::path write_report(const store::Store& store, const fs::path& folder) {
  const Data data = gather(store);
  const Findings findings = find(data);
  const std::vector<Table> tables = all_tables(data);
  NewFolders folders;
  folders.make(folder / "tables");
  Staging files;
  for (const Table& table : tables) {
    const fs::path path = folder / "tables" / table.id;
    files.add(fs::path(path).concat(".md"), markdown(table));
    files.add(fs::path(path).concat(".tex"), latex(table));
    files.add(fs::path(path).concat(".csv"), csv(table));
  }
  for (const Table& table : {wrong_answer_table(data), recipe_table(data)}) {
    files.add(folder / "tables" / (table.id + ".csv"), csv(table));
  }
  files.add(folder / "report.md", markdown_of(data, findings, tables));
  files.add(folder / "index.html", html_page(data, findings));
  files.publish();
  folders.keep();
  return folder / "index.html";
}

}  // namespace nibble::report
