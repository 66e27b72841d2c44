#include "report/write.h"

#include <fmt/format.h>

#include <system_error>
#include <vector>

#include "base/file.h"
#include "report/findings.h"
#include "report/format.h"
#include "report/page.h"
#include "report/tables.h"

namespace nibble::report {
namespace {

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    raise(ErrorCode::kIo, "{}: cannot create the folder: {}", folder.string(), error.message());
  }
}

/// Files that appear together: none of them while there is no room for all.
class Staging {
 public:
  void add(const std::filesystem::path& path, std::string_view text) {
    files_.push_back(AtomicFile::create(path).take());
    files_.back().write(text).take();
  }
  void publish() {
    for (AtomicFile& file : files_) {
      file.commit().take();
    }
  }

 private:
  std::vector<AtomicFile> files_;
};

}  // namespace

std::string markdown_report(const Data& data) {
  const Findings findings = find(data);
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
  for (const Table& table : all_tables(data)) {
    out += fmt::format("\n## {}\n\n{}.\n\n{}",
                       escape_markdown(table.title),
                       escape_markdown(table.caption),
                       markdown(table));
  }
  return out;
}

std::filesystem::path write_report(const store::Store& store, const std::filesystem::path& folder) {
  const Data data = gather(store);
  const std::filesystem::path tables = folder / "tables";
  make_folder(tables);
  Staging files;
  for (const Table& table : all_tables(data)) {
    files.add(tables / (table.id + ".md"), markdown(table));
    files.add(tables / (table.id + ".tex"), latex(table));
    files.add(tables / (table.id + ".csv"), csv(table));
  }
  files.add(folder / "report.md", markdown_report(data));
  files.add(folder / "index.html", html_page(data, find(data)));
  files.publish();
  return folder / "index.html";
}

}  // namespace nibble::report
