#include "report/write.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <map>

#include "base/error.h"
#include "small_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

namespace fs = std::filesystem;
using nibble::testing::TempFolder;
using ::testing::HasSubstr;

std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      out[fs::relative(entry.path(), folder).string()] = nibble::testing::read_file(entry.path());
    }
  }
  return out;
}

/// While it lives, no file may grow beyond so many bytes.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t n_bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{n_bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallFiles() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

TEST(WriteReport, WritesEveryFormOfEveryTable) {
  const TempFolder folder;
  const fs::path page = write_report(small_store(folder / "s.db"), folder / "deep/report");
  EXPECT_EQ(page, folder / "deep/report" / "index.html");
  const auto files = contents(folder / "deep/report");
  EXPECT_EQ(files.size(),
            (6U + 3 + 14) * 3 + 2 + 2);  // of the study, its profile, the paper; as CSV alone
  EXPECT_TRUE(files.contains("tables/differences.tex"));
  EXPECT_THAT(files.at("tables/wrong-answers.csv"),
              HasSubstr("choice_50%,q1,int4,Oda & son,nobody"));
  EXPECT_THAT(files.at("tables/recipes.csv"), HasSubstr("int4,rtn-int4,aa11,"));
}

TEST(WriteReport, EqualStoreEqualBytes) {
  const TempFolder folder;
  write_report(small_store(folder / "a.db"), folder / "a");
  write_report(small_store(folder / "b.db"), folder / "b");
  EXPECT_EQ(contents(folder / "a"), contents(folder / "b"));
}

TEST(WriteReport, MarkdownStartsWithTheFinding) {
  const TempFolder folder;
  const std::string text = markdown_report(gather(small_store(folder / "s.db")));
  EXPECT_TRUE(text.starts_with("# Mills &amp; &lt;millers&gt;\n"));
  EXPECT_THAT(text, HasSubstr("**Every variant that was fully measured"));
  EXPECT_THAT(text, HasSubstr("> The file is already in 4 bits."));
  EXPECT_THAT(text, HasSubstr("| odd\\|name |"));
}

TEST(WriteReport, NothingAppearsWhereOneFileCannotBeWritten) {
  const TempFolder folder;
  const store::Store store = small_store(folder / "s.db");
  // Something stands where the last but one file would be written.
  fs::create_directories(folder / fmt::format("r/report.md.tmp.{}", ::getpid()));
  EXPECT_THROW(write_report(store, folder / "r"), Error);
  for (const auto& [name, text] : contents(folder / "r")) {
    ADD_FAILURE() << name << " was left behind";
  }
}

TEST(WriteReport, AFailedReportLeavesNoFolderThatWasNotThere) {
  const TempFolder folder;
  const store::Store store = small_store(folder / "s.db");
  {
    const SmallFiles no_room(1000);
    EXPECT_THROW(write_report(store, folder / "deep/report"), Error);
  }
  EXPECT_FALSE(fs::exists(folder / "deep"));
  // A folder that was there stays, one inside it goes again.
  fs::create_directories(folder / fmt::format("old/index.html.tmp.{}", ::getpid()));
  EXPECT_THROW(write_report(store, folder / "old"), Error);
  EXPECT_TRUE(fs::exists(folder / "old"));
  EXPECT_FALSE(fs::exists(folder / "old/tables"));
}

TEST(WriteReport, AFolderThatCannotBeMadeIsAnIoError) {
  const TempFolder folder;
  nibble::testing::write_file(folder / "file", "");
  try {
    write_report(small_store(folder / "s.db"), folder / "file/report");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_THAT(error.what(), HasSubstr("file/report"));
  }
}

}  // namespace
}  // namespace nibble::report
