#include "report/paper/tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "paper_store.h"
#include "report/write.h"
#include "support/files.h"

namespace nibble::report {
namespace {

namespace fs = std::filesystem;

TEST(PaperTables, OddForAllAndEvenForTheCalibrations) {
  const nibble::testing::TempFolder folder;
  const auto tables = paper_tables(gather(paper_store(folder / "s.db")));
  ASSERT_EQ(tables.size(), 28U);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    EXPECT_EQ(tables[i].id, fmt::format("paper-{:02}", i + 1));
    EXPECT_EQ(tables[i].rows.size(), i % 2 == 0 ? 5U : 2U);
    for (const auto& row : tables[i].rows) {
      EXPECT_EQ(row.size(), tables[i].columns.size()) << tables[i].id;
    }
  }
}

TEST(PaperTables, WithoutCalibrationsToCompareTheEvenOnesAreLeftOut) {
  const nibble::testing::TempFolder folder;
  EXPECT_EQ(paper_tables(gather(advice_store(folder / "s.db"))).size(), 14U);
  EXPECT_TRUE(paper_tables({}).empty());
}

TEST(PaperTables, TheirLatexCompiles) {
  std::string_view program;
  for (const char* const name : {"pdflatex", "tectonic"}) {
    if (program.empty() &&
        std::system(fmt::format("{} --version > /dev/null 2>&1", name).c_str()) == 0) {
      program = name;
    }
  }
  if (program.empty()) {
    GTEST_SKIP() << "neither pdflatex nor tectonic is installed";
  }
  const nibble::testing::TempFolder folder;
  write_report(paper_store(folder / "s.db"), folder / "r");
  std::string document = "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n";
  for (const auto& entry : fs::directory_iterator(folder / "r/tables")) {
    if (entry.path().extension() == ".tex") {
      document +=
          fmt::format("\\input{{r/tables/{}}}\n\\clearpage\n", entry.path().filename().string());
    }
  }
  nibble::testing::write_file(folder / "all.tex", document + "\\end{document}\n");
  const std::string options =
      program == "pdflatex" ? "-interaction=nonstopmode -halt-on-error" : "";
  const std::string command = fmt::format(
      "cd {} && {} {} all.tex > latex.log 2>&1", folder.path().string(), program, options);
  EXPECT_EQ(std::system(command.c_str()), 0) << nibble::testing::read_file(folder / "latex.log");
  EXPECT_TRUE(fs::exists(folder / "all.pdf"));
}

}  // namespace
}  // namespace nibble::report
