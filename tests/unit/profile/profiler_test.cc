#include "profile/profiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "energy/recorded.h"
#include "profile/flops.h"

namespace nibble::profile {
namespace {

using ::testing::HasSubstr;

TEST(Profiler, EveryRowHasAValueOrAReason) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  const nibble::testing::TempFolder root;  // a machine that tells nothing
  ThreadPool pool(1);
  auto loaded =
      model::load_model(path, {Arithmetic::kNative, false}, pool, silent_progress()).take();
  Options options{8, 3, 2, 1};
  options.batches = {2};
  options.batch_new_tokens = 2;
  options.limits = false;
  Profiler profiler(pool, "cpu", root.path());
  const auto rows = profiler.measure({loaded, 0, false}, options);
  const auto row = [&](std::string_view name) -> const Measurement& {
    const auto found = std::ranges::find(rows, name, &Measurement::name);
    EXPECT_NE(found, rows.end()) << name;
    return *found;
  };
  for (const Measurement& one : rows) {
    EXPECT_NE(one.values.empty(), one.reason.empty()) << one.name;
  }
  EXPECT_EQ(row("inter_token").values.size(), 6U);
  EXPECT_EQ(row("batch_2").values.size(), 2U);
  EXPECT_THAT(row("decode_energy").reason, HasSubstr("no energy sensor"));
  EXPECT_THAT(row("clock_after").reason, HasSubstr("does not tell its clock"));
  EXPECT_THAT(row("peak_memory").reason, HasSubstr("not measured"));
  EXPECT_DOUBLE_EQ(row("decode_flop").values.at(0), token_flops(loaded.model->config(), 10));
  EXPECT_GT(row("decode_bytes").values.at(0), static_cast<double>(loaded.model->weight_bytes()));
}

TEST(DescribeSensors, NamesThemOrSaysWhyThereAreNone) {
  const nibble::testing::TempFolder root;
  EXPECT_THAT(describe_sensors("cpu", root.path()),
              ::testing::StartsWith("none: rapl: no package"));
  put_rapl(root.path());
  EXPECT_THAT(describe_sensors("cpu", root.path()), HasSubstr("rapl package-1 (processor package"));
}

}  // namespace
}  // namespace nibble::profile
