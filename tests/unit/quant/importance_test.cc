#include "quant/importance.h"

#include <gmock/gmock.h>

#include "io/gguf/importance_file.h"
#include "model/config.h"
#include "model/weights.h"
#include "quant/run.h"
#include "unit/quant/tiny_checkpoint.h"

namespace nibble::quant {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;

class Importance : public ::testing::Test {
 protected:
  Importance() {
    write_tiny_checkpoint(folder_ / "tiny", 0.0F, 2);
    std::string rows;
    for (int i = 0; i < 96; ++i) {
      rows += fmt::format("{{\"tokens\": [{}]}}\n", (i * i + i / 7) % 27);
    }
    nibble::testing::write_file(folder_ / "text.jsonl", rows);
    spec_.source = "text.jsonl";
    spec_.n_windows = 12;
    spec_.window = 8;
  }

  Result<ImportanceReport> write(std::string_view name, std::size_t n_threads = 2) {
    ThreadPool pool(n_threads);
    return write_importance(*io::open_checkpoint(folder_ / "tiny").take(),
                            spec_,
                            folder_.path(),
                            folder_ / name,
                            pool,
                            silent_progress());
  }

  /// The weights of a recipe's stage, decoded.
  std::vector<float> quantize(const std::string& name, std::string_view stage) {
    nibble::testing::write_file(
        folder_ / (name + ".toml"),
        fmt::format("name = \"r\"\n{}scheme = {{ default = \"q4_0\" }}\n", stage));
    ThreadPool pool(2);
    const auto recipe = load_recipe((folder_ / (name + ".toml")).string()).take();
    quantize_checkpoint(*io::open_checkpoint(folder_ / "tiny").take(),
                        recipe,
                        folder_ / name,
                        pool,
                        silent_progress(),
                        {.data = folder_.path()})
        .take();
    const auto result = io::open_checkpoint(folder_ / name).take();
    const auto config = model::read_config(*result).take();
    std::vector<float> out;
    for (const model::WeightInfo& weight : model::list_weights(config)) {
      const auto values =
          codec::decode_all(model::load_weight(*result, config, weight.name).take());
      out.insert(out.end(), values.begin(), values.end());
    }
    return out;
  }

  TempFolder folder_;
  CalibrationSpec spec_;
};

TEST_F(Importance, HasTheInputsOfEveryLinearLayer) {
  const auto report = write("i.gguf").take();
  EXPECT_EQ(report.n_weights, 14U);
  EXPECT_EQ(report.n_tokens, 96U);
  const auto file = io::ImportanceFile::open(folder_ / "i.gguf").take();
  EXPECT_EQ(file.size(), 14U);
  EXPECT_EQ(file.find("blk.1.ffn_down.weight").size(), 96U);
  EXPECT_TRUE(
      std::ranges::equal(file.find("blk.0.attn_q.weight"), file.find("blk.0.attn_v.weight")));
  EXPECT_FALSE(
      std::ranges::equal(file.find("blk.0.attn_q.weight"), file.find("blk.1.attn_q.weight")));
  EXPECT_FALSE(
      std::ranges::equal(file.find("blk.0.attn_q.weight"), file.find("blk.0.ffn_up.weight")));
}

TEST_F(Importance, SameBytesForAnyNumberOfThreads) {
  write("one.gguf", 1).take();
  write("four.gguf", 4).take();
  EXPECT_EQ(nibble::testing::read_file(folder_ / "one.gguf"),
            nibble::testing::read_file(folder_ / "four.gguf"));
}

TEST_F(Importance, AFileDoesWhatCalibrationOnTheSameTextDoes) {
  write("i.gguf").take();
  const auto calibrated = quantize("calibrated",
                                   "[calibration]\nsource = \"text.jsonl\"\nwindows = 12\n"
                                   "window_tokens = 8\ninputs = \"original\"\n[[stage]]\n"
                                   "solve = \"gguf\"\nimportance = \"mean_square\"\n");
  const auto from_file = quantize("from_file",
                                  fmt::format("[[stage]]\nsolve = \"gguf\"\nimportance = \"{}\"\n",
                                              (folder_ / "i.gguf").string()));
  const auto without = quantize("without", "[[stage]]\nsolve = \"gguf\"\n");
  const auto share = [&](const std::vector<float>& other) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < other.size(); ++i) {
      n += other[i] == calibrated[i] ? 1 : 0;
    }
    return static_cast<double>(n) / static_cast<double>(other.size());
  };
  EXPECT_GT(share(from_file), 0.999);  // sums over tokens are rounded to float32 on the way
  EXPECT_LT(share(without), 0.9);
}

TEST_F(Importance, AFileThatExistsStaysAndAShortTextIsRefused) {
  nibble::testing::write_file(folder_ / "there.gguf", "mine");
  EXPECT_THAT(write("there.gguf").failure().message, HasSubstr("exists already"));
  spec_.n_windows = 1000;
  EXPECT_FALSE(write("i.gguf"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "i.gguf"));
}

}  // namespace
}  // namespace nibble::quant
