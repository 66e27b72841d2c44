#include "study/planned_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fakes.h"
#include "study/run.h"
#include "support/files.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Counts how often its weights are read.
class CountingCheckpoint final : public io::Checkpoint {
 public:
  explicit CountingCheckpoint(std::size_t n_bytes) : n_bytes_(n_bytes) {}
  [[nodiscard]] io::Container container() const noexcept override { return io::Container::kGguf; }
  [[nodiscard]] const fs::path& path() const noexcept override { return path_; }
  [[nodiscard]] std::vector<std::string> names() const override { return {}; }
  [[nodiscard]] bool has(std::string_view) const override { return false; }
  [[nodiscard]] Result<io::StoredTensor> tensor(std::string_view) const override {
    return fail(ErrorCode::kNotFound, "no tensor");
  }
  [[nodiscard]] const Json& metadata() const noexcept override { return metadata_; }
  [[nodiscard]] Result<std::string> companion(std::string_view) const override {
    return fail(ErrorCode::kNotFound, "no file");
  }
  [[nodiscard]] std::size_t file_bytes() const noexcept override { return n_bytes_; }
  [[nodiscard]] std::string hash() const override {
    ++n_read;
    return "read";
  }
  void release_pages() const noexcept override {}

  mutable std::size_t n_read = 0;

 private:
  std::size_t n_bytes_;
  fs::path path_;
  Json metadata_;
};

/// A store of a study of weights whose hash is "weights", in 1000 bytes.
class PlannedWeightsTest : public ::testing::Test {
 protected:
  void run(FakeRunner runner = {}) {
    const Spec spec = fake_spec();
    const StudyPlan plan = make_plan(spec, fake_inputs());
    store::Store store = store::Store::open(store_[1]);
    enter_plan(store, plan, spec, store_[1]);
    run_plan(store, plan, spec, runner, silent_progress());
  }
  testing::TempFolder folder_;
  std::vector<fs::path> store_ = {folder_ / "absent.db", folder_ / "study.db"};
};

TEST_F(PlannedWeightsTest, WhereNothingIsStoredTheHashIsOfNoUse) {
  const CountingCheckpoint checkpoint(1000);
  EXPECT_THAT(planned_weights(checkpoint, store_).note, HasSubstr("nothing is stored yet"));
  EXPECT_EQ(checkpoint.n_read, 0U);
}

TEST_F(PlannedWeightsTest, AStoreIsBelievedWhereTheSizeIsTheSame) {
  run();
  const CountingCheckpoint checkpoint(1000);
  const PlannedWeights found = planned_weights(checkpoint, store_);
  EXPECT_EQ(found.hash, "weights");
  EXPECT_THAT(found.note, HasSubstr(store_[1].string()));
  EXPECT_EQ(checkpoint.n_read, 0U);
}

TEST_F(PlannedWeightsTest, OtherwiseTheWeightsAreRead) {
  run();
  const CountingCheckpoint other(1001);
  EXPECT_EQ(planned_weights(other, store_).hash, "read");
  EXPECT_EQ(other.n_read, 1U);
}

TEST_F(PlannedWeightsTest, AStoreWhoseReferenceNeverRanSaysNothing) {
  FakeRunner fails;
  fails.on_open = [](const PlannedVariant&) { raise(ErrorCode::kIo, "no"); };
  EXPECT_THROW(run(fails), Error);
  const CountingCheckpoint checkpoint(1000);
  const PlannedWeights found = planned_weights(checkpoint, store_);
  EXPECT_EQ(found.hash, "read");
  EXPECT_THAT(found.note, IsEmpty());
}

}  // namespace
}  // namespace nibble::study
