#include "study/reference_states.h"

#include <gtest/gtest.h>

#include "io/checkpoint.h"
#include "support/files.h"
#include "unit/model/tiny_model.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;
using nibble::testing::TempFolder;

class ReferenceStatesTest : public ::testing::Test {
 protected:
  ReferenceStatesTest() {
    const auto checkpoint = io::open_checkpoint(folder_).take();
    config_ = model::read_config(*checkpoint).take();
    model_ = model::build_model(*checkpoint, config_, Arithmetic::kF32, pool_, silent_progress());
  }
  ReferenceStates make(const std::string& key = "reference") {
    return {{folder_, files_.path() / "reference", key, Arithmetic::kF32, 512}, pool_};
  }
  [[nodiscard]] std::size_t n_files() const {
    const fs::path folder = files_.path() / "reference";
    return fs::exists(folder) ? static_cast<std::size_t>(std::distance(
                                    fs::directory_iterator(folder), fs::directory_iterator()))
                              : 0;
  }

  fs::path folder_ = model::testing::tiny_folder("qwen3");
  TempFolder files_;
  ThreadPool pool_{1};
  model::ModelConfig config_;
  std::unique_ptr<model::LanguageModel> model_;
  std::vector<std::int32_t> tokens_ = {5, 9, 2, 40, 7, 7, 31};
};

TEST_F(ReferenceStatesTest, AreThoseOfTheModelWhoeverComputesThem) {
  const auto wanted = eval::final_states(*model_, tokens_, 3, 512);
  ReferenceStates loads = make();
  EXPECT_EQ(loads.states(tokens_, 3), wanted);
  ReferenceStates lent = make("another");
  lent.use(model_.get());
  EXPECT_EQ(lent.states(tokens_, 3), wanted);
  EXPECT_EQ(n_files(), 2U);
}

TEST_F(ReferenceStatesTest, ComeFromTheFileTheSecondTime) {
  make().states(tokens_, 3);
  ASSERT_EQ(n_files(), 1U);
  const fs::path file = fs::directory_iterator(files_.path() / "reference")->path();
  const std::string known(4 * config_.hidden * sizeof(float), '\0');
  nibble::testing::write_file(file, known);
  EXPECT_EQ(make().states(tokens_, 3), std::vector<float>(4 * config_.hidden, 0.0F));
}

TEST_F(ReferenceStatesTest, AFileOfAnotherSizeIsMadeAgain) {
  const auto wanted = make().states(tokens_, 3);
  const fs::path file = fs::directory_iterator(files_.path() / "reference")->path();
  nibble::testing::write_file(file, "cut");
  EXPECT_EQ(make().states(tokens_, 3), wanted);
  EXPECT_EQ(fs::file_size(file), wanted.size() * sizeof(float));
}

TEST_F(ReferenceStatesTest, OtherTokensRowsAndReferencesHaveFilesOfTheirOwn) {
  make().states(tokens_, 3);
  make().states(tokens_, 4);
  make("another").states(tokens_, 3);
  tokens_.back() = 1;
  make().states(tokens_, 3);
  EXPECT_EQ(n_files(), 4U);
}

TEST_F(ReferenceStatesTest, TheHeadIsTheModels) {
  ReferenceStates reference = make();
  ASSERT_EQ(reference.vocab(), config_.vocab);
  const auto states = reference.states(tokens_, 6);
  const MatrixView<const float> x(states.data(), 1, config_.hidden);
  std::vector<float> a(config_.vocab);
  std::vector<float> b(config_.vocab);
  reference.head(x, MatrixView<float>(a.data(), 1, config_.vocab));
  reference.release();
  model_->head(x, MatrixView<float>(b.data(), 1, config_.vocab));
  EXPECT_EQ(a, b);
}

}  // namespace
}  // namespace nibble::study
