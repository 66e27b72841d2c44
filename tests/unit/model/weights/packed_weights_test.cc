#include "model/weights/packed_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "model/load.h"
#include "support/files.h"
#include "unit/model/tiny_model.h"

namespace nibble::model {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// Keeps what it is told.
class Notes final : public ProgressSink {
 public:
  void begin(std::string_view /*stage*/, std::uint64_t /*total*/) override {}
  void advance(std::uint64_t /*steps*/) override {}
  void end() override {}
  void note(std::string_view line) override { lines += std::string(line) + "\n"; }
  std::string lines;
};

class PackedWeightsTest : public ::testing::Test {
 protected:
  /// Logits of three tokens.
  std::vector<float> logits(Arithmetic arithmetic, bool keep_packed) {
    notes_.lines.clear();
    const LoadedModel loaded =
        load_model(folder_.path(),
                   {.arithmetic = arithmetic, .with_hash = false, .keep_packed = keep_packed},
                   pool_,
                   notes_)
            .take();
    LanguageModel& model = *loaded.model;
    KvCache cache = model.make_cache(std::size_t{1} << 30);
    const std::vector<std::int32_t> tokens = {1, 2, 3};
    const SequenceChunk chunk{cache.create(), tokens};
    const std::vector<std::uint32_t> wanted = {0, 1, 2};
    std::vector<float> hidden(3 * model.config().hidden);
    std::vector<float> out(3 * model.config().vocab);
    const MatrixView<float> rows(hidden.data(), 3, model.config().hidden);
    model.forward(std::span(&chunk, 1), cache, wanted, rows);
    model.head(rows, {out.data(), 3, model.config().vocab});
    return out;
  }
  [[nodiscard]] fs::path file() const { return folder_ / "model.packed"; }

  testing::TinyCopy folder_;
  ThreadPool pool_{1};
  Notes notes_;
};

TEST_F(PackedWeightsTest, AreWrittenOnRequestAndGiveTheSameLogits) {
  for (const Arithmetic arithmetic : {Arithmetic::kNative, Arithmetic::kF32}) {
    const std::vector<float> plain = logits(arithmetic, false);
    fs::remove(file());
    EXPECT_EQ(logits(arithmetic, true), plain);
    EXPECT_THAT(notes_.lines, HasSubstr("packed weights kept in"));
    EXPECT_EQ(logits(arithmetic, true), plain);
    EXPECT_EQ(notes_.lines, "") << "read, not written again";
  }
}

TEST_F(PackedWeightsTest, AreNotWrittenUnasked) {
  logits(Arithmetic::kNative, false);
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(PackedWeightsTest, OfOtherArithmeticOrOtherFilesAreWrittenAnew) {
  logits(Arithmetic::kNative, true);
  logits(Arithmetic::kF32, true);
  EXPECT_THAT(notes_.lines, HasSubstr("kept"));
  logits(Arithmetic::kF32, true);
  EXPECT_EQ(notes_.lines, "");
  const fs::path weights = folder_ / "model.safetensors";
  fs::last_write_time(weights, fs::last_write_time(weights) + std::chrono::seconds(1));
  logits(Arithmetic::kF32, true);
  EXPECT_THAT(notes_.lines, HasSubstr("kept"));
}

TEST_F(PackedWeightsTest, ThatAreDamagedAreNamed) {
  logits(Arithmetic::kNative, true);
  fs::resize_file(file(), fs::file_size(file()) - 40);
  try {
    logits(Arithmetic::kNative, true);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    EXPECT_THAT(error.what(), HasSubstr("model.packed: damaged, delete it: "));
  }
}

TEST_F(PackedWeightsTest, AForeignFileOfThatNameIsReplaced) {
  nibble::testing::write_file(file(), "not ours");
  const std::vector<float> plain = logits(Arithmetic::kNative, false);
  EXPECT_EQ(logits(Arithmetic::kNative, true), plain);
  EXPECT_GT(fs::file_size(file()), 1000U);
}

TEST_F(PackedWeightsTest, ThatCannotBeWrittenAreANote) {
  fs::create_directory(file());
  const std::vector<float> plain = logits(Arithmetic::kNative, false);
  EXPECT_EQ(logits(Arithmetic::kNative, true), plain);
  EXPECT_THAT(notes_.lines, HasSubstr("packed weights are not kept: "));
}

}  // namespace
}  // namespace nibble::model
