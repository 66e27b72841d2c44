#include "report/write.h"

#include <fmt/format.h>

#include <system_error>

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
  for (const Table& table : all_tables(data)) {
    write_file_atomic(tables / (table.id + ".md"), markdown(table)).take();
    write_file_atomic(tables / (table.id + ".tex"), latex(table)).take();
    write_file_atomic(tables / (table.id + ".csv"), csv(table)).take();
  }
  write_file_atomic(folder / "report.md", markdown_report(data)).take();
  write_file_atomic(folder / "index.html", html_page(data, find(data))).take();
  return folder / "index.html";
}

}  // namespace nibble::report
