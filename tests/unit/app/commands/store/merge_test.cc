#include <fmt/format.h>
#include <gmock/gmock.h>

#include "store/store.h"
#include "support/files.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;

/// A store with one unit of three samples, of which some are there.
void write_store(const std::filesystem::path& path,
                 std::size_t first,
                 std::size_t end,
                 std::string_view answer = "a") {
  store::Store store = store::Store::open(path);
  store.replace_plan({{{"v", "reference", "none", "", "", {}}},
                      {{"t", "arc_easy", 1, "", "", 3, {{"acc", "fraction", true, "identity"}}}},
                      {{"u", "v", "t", ""}}});
  std::vector<store::SampleRecord> samples;
  for (std::size_t i = first; i < end; ++i) {
    samples.push_back({i, fmt::format("id{}", i), "", "", std::string(answer), {}});
    samples.back().scores = {{"acc", store::ScoreRecord::Ratio{1, 1}}};
  }
  store.add_samples("u", samples);
}

class StoreMergeTest : public ::testing::Test {
 protected:
  testing::CommandResult merge(std::string_view arguments) {
    return testing::run_program(fmt::format("store merge {}", arguments));
  }
  [[nodiscard]] std::string at(std::string_view name) const { return (folder_ / name).string(); }
  testing::TempFolder folder_;
};

TEST_F(StoreMergeTest, SaysWhatIsThereAndWhatIsMissing) {
  write_store(folder_ / "a.db", 0, 2);
  const auto part = merge(fmt::format("{} {}", at("all.db"), at("a.db")));
  EXPECT_EQ(part.exit_code, 0) << part.err;
  EXPECT_EQ(part.out,
            fmt::format("{}: 0 of 1 units are whole, 2 samples\n"
                        "missing: reference/arc_easy: 2 of 3 samples\n",
                        at("all.db")));
  write_store(folder_ / "b.db", 1, 3);
  const auto whole = merge(fmt::format("--json {} {}", at("all.db"), at("b.db")));
  EXPECT_THAT(whole.out, HasSubstr("\"whole_units\":1"));
  EXPECT_THAT(whole.out, HasSubstr("\"repeated_samples\":1"));
  EXPECT_THAT(whole.out, HasSubstr("\"missing\":[]"));
}

TEST_F(StoreMergeTest, RefusesAContradictionAndAFileThatIsNoStore) {
  write_store(folder_ / "a.db", 0, 2);
  write_store(folder_ / "b.db", 1, 3, "other");
  const auto refused = merge(fmt::format("{} {} {}", at("all.db"), at("a.db"), at("b.db")));
  EXPECT_EQ(refused.exit_code, 8);
  EXPECT_THAT(refused.err,
              HasSubstr("b.db: samples of variant 'reference', task 'arc_easy', idx 1"));
  EXPECT_THAT(refused.err, HasSubstr("answer is 'other', but 'a' in the stores before it"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "all.db"));
  testing::write_file(folder_ / "text", "no store");
  EXPECT_EQ(merge(fmt::format("{} {}", at("all.db"), at("text"))).exit_code, 3);
  EXPECT_EQ(merge(fmt::format("{} {}", at("all.db"), at("absent"))).exit_code, 3);
  EXPECT_EQ(merge(at("all.db")).exit_code, 2);
}

}  // namespace
}  // namespace nibble::app
