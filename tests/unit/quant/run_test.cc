#include "quant/run.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits>

#include "base/cancel.h"
#include "model/config.h"
#include "model/kv_setup.h"
#include "unit/quant/tiny_checkpoint.h"

namespace nibble::quant {
namespace {

namespace fs = std::filesystem;
using nibble::testing::read_file;
using nibble::testing::TempFolder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Result<QuantizeReport> quantize(const fs::path& in,
                                std::string_view recipe,
                                const fs::path& out,
                                std::size_t n_threads = 2) {
  ThreadPool pool(n_threads);
  const auto checkpoint = io::open_checkpoint(in).take();
  return quantize_checkpoint(*checkpoint, load_recipe(recipe).take(), out, pool, silent_progress());
}

std::vector<fs::path> entries(const fs::path& folder) {
  return {fs::directory_iterator(folder), fs::directory_iterator()};
}

TEST(Run, WritesWhatThePlanSaysAndReadsItBack) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto report = quantize(folder / "tiny", "rtn-int8", folder / "out").take();
  const auto source = io::open_checkpoint(folder / "tiny").take();
  const auto result = io::open_checkpoint(folder / "out").take();
  const auto config = model::read_config(*result).take();
  // One step: half for the weight, half for the zero.
  constexpr float kStep = 0.25F / 255.0F * 1.01F;
  for (const PlanRow& row : report.plan.rows) {
    SCOPED_TRACE(row.weight);
    const auto before = codec::decode_all(model::load_weight(*source, config, row.weight).take());
    const auto matrix = model::load_weight(*result, config, row.weight).take();
    EXPECT_EQ(matrix.codec->name(), row.target_codec);
    EXPECT_EQ(matrix.n_bytes(), row.bytes_after);
    const auto after = codec::decode_all(matrix);
    for (std::size_t i = 0; i < before.size(); ++i) {
      ASSERT_NEAR(after[i], before[i], row.is_kept() ? 0.0F : kStep);
    }
  }
  EXPECT_EQ(report.weights.size(), 7U);
  EXPECT_GT(report.relative_error, 0.0);
  EXPECT_LT(report.relative_error, 0.01);
  EXPECT_EQ(report.file_bytes, fs::file_size(folder / "out" / "model.safetensors"));
  EXPECT_EQ(read_file(folder / "out" / "tokenizer.json"), tiny_tokenizer());
}

TEST(Run, RecordsWhereTheWeightsComeFrom) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto report = quantize(folder / "tiny", "nf4-dq", folder / "out").take();
  const auto source = io::open_checkpoint(folder / "tiny").take();
  const auto result = io::open_checkpoint(folder / "out").take();
  const Json& provenance = result->metadata().at("quantization_config");
  EXPECT_EQ(provenance.at("quant_method"), "nibble");
  EXPECT_EQ(provenance.at("recipe"), report.plan.recipe->text);
  EXPECT_EQ(provenance.at("recipe_sha256"), report.plan.recipe->hash);
  EXPECT_EQ(provenance.at("source_sha256"), source->hash());
  EXPECT_FALSE(provenance.at("nibble_version").get<std::string>().empty());
}

TEST(Run, ChoosesTheDeviceWhereItDoesSomethingOfTheRecipe) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto checkpoint = io::open_checkpoint(folder / "tiny").take();
  const auto side = [&](std::string_view recipe, const std::string& device) {
    return choose_side(*checkpoint, load_recipe(std::string(recipe)).take(), device);
  };
  EXPECT_EQ(side("hqq-int4", "cpu").device, "cpu");
  EXPECT_EQ(side("hqq-int4", "cpu").reason, "");
  EXPECT_EQ(side("hqq-int4", "cuda:0").device, "cuda:0");
  EXPECT_EQ(side("rtn-int4", "cuda:0").device, "cuda:0");
  EXPECT_EQ(side("nf4", "cuda:0").device, "cpu");
  EXPECT_THAT(side("nf4", "cuda:0").reason, HasSubstr("none of its methods"));
  const QuantizeSide smooth = side("smoothquant-w8a8", "cuda:0");
  EXPECT_EQ(smooth.device, "cpu");
  EXPECT_EQ(smooth.reason, "transform 'smooth' does not run on a device yet");
  EXPECT_THAT(side("autoround-4bit-g128", "cuda:0").reason,
              HasSubstr("a GPU does not run heads of"))
      << "the method does";
}

TEST(Run, EqualBytesForAnyNumberOfThreads) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  for (const std::string_view recipe : {"hqq-int2", "nf4-dq", "rtn-int3"}) {
    SCOPED_TRACE(recipe);
    const fs::path one = folder / fmt::format("{}-1", recipe);
    const fs::path four = folder / fmt::format("{}-4", recipe);
    quantize(folder / "tiny", recipe, one, 1).take();
    quantize(folder / "tiny", recipe, four, 4).take();
    EXPECT_EQ(read_file(one / "model.safetensors"), read_file(four / "model.safetensors"));
    EXPECT_EQ(read_file(one / "config.json"), read_file(four / "config.json"));
  }
}

TEST(Run, WeightsThatAreNotFiniteAreRefusedWithTheirPlace) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny", std::numeric_limits<float>::quiet_NaN());
  const auto report = quantize(folder / "tiny", "nf4", folder / "out");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.failure().code, ErrorCode::kUnsupported);
  EXPECT_THAT(report.failure().message,
              HasSubstr("model.layers.0.mlp.up_proj.weight: the weight at row 2, column 3 is nan"));
  EXPECT_EQ(entries(folder.path()).size(), 1U) << "something was left behind";
}

TEST(Run, WeightsTooLargeForTheirCodecAreRefused) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny", 3e38F);
  const auto report = quantize(folder / "tiny", "f16", folder / "out");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.failure().code, ErrorCode::kUnsupported);
  EXPECT_THAT(
      report.failure().message,
      HasSubstr("model.layers.0.mlp.up_proj.weight: the weights are too large for codec f16"));
  EXPECT_TRUE(quantize(folder / "tiny", "nf4", folder / "out"));
}

TEST(Run, CancelledBetweenWeightsItLeavesNothing) {
  class CancelAtSecond final : public ProgressSink {
   public:
    void begin(std::string_view, std::uint64_t) override {}
    void advance(std::uint64_t) override {
      if (++n_ == 2) {
        cancel_flag().request();
      }
    }
    void end() override {}
    void note(std::string_view) override {}

   private:
    int n_ = 0;
  };
  // The flag is the process's and cannot be lowered, so the run happens in a child.
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  EXPECT_EXIT(
      {
        ThreadPool pool(1);
        CancelAtSecond progress;
        const auto checkpoint = io::open_checkpoint(folder / "tiny").take();
        const auto report = quantize_checkpoint(
            *checkpoint, load_recipe("nf4").take(), folder / "out", pool, progress);
        std::_Exit(!report && report.failure().code == ErrorCode::kCancelled ? 7 : 1);
      },
      ::testing::ExitedWithCode(7),
      "");
  EXPECT_EQ(entries(folder.path()).size(), 1U) << "something was left behind";
}

constexpr std::string_view kGptq = "solve = \"gptq\"";
constexpr std::string_view kGptaq = "solve = \"gptq\"\nasymmetry = 0.25";
constexpr std::string_view kAutoround = "solve = \"autoround\"\niterations = 6\nbatch = 4";

/// 12 windows of 8 tokens for a recipe of one method.
std::string calibrated_recipe(const fs::path& folder, std::string_view method) {
  std::string rows;
  for (int i = 0; i < 96; ++i) {
    rows += fmt::format("{{\"tokens\": [{}]}}\n", (i * i + i / 7) % 27);
  }
  nibble::testing::write_file(folder / "text.jsonl", rows);
  nibble::testing::write_file(folder / "recipe.toml",
                              fmt::format("name = \"g\"\n[calibration]\nsource = \"text.jsonl\"\n"
                                          "windows = 12\nwindow_tokens = 8\n[[stage]]\n{}\n"
                                          "scheme = {{ default = \"int3g32ah\" }}\n",
                                          method));
  return (folder / "recipe.toml").string();
}

Result<QuantizeReport> calibrate(const fs::path& folder,
                                 const fs::path& out,
                                 std::size_t n_threads,
                                 ProgressSink& progress = silent_progress(),
                                 std::string_view method = kGptq) {
  ThreadPool pool(n_threads);
  const auto checkpoint = io::open_checkpoint(folder / "tiny").take();
  const auto recipe = load_recipe(calibrated_recipe(folder, method)).take();
  return quantize_checkpoint(*checkpoint, recipe, out, pool, progress, {.data = folder});
}

TEST(CalibratedRun, EqualBytesForAnyNumberOfThreadsAndNothingLeftBehind) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny", 0.0F, 2);
  const auto one = calibrate(folder.path(), folder / "one", 1).take();
  calibrate(folder.path(), folder / "four", 4).take();
  EXPECT_EQ(read_file(folder / "one" / "model.safetensors"),
            read_file(folder / "four" / "model.safetensors"));
  EXPECT_EQ(one.weights.size(), 14U);
  const auto result = io::open_checkpoint(folder / "one").take();
  EXPECT_EQ(result->metadata().at("quantization_config").at("calibration_sha256"),
            one.calibration_sha256);
  EXPECT_EQ(entries(folder.path()).size(), 5U) << "something was left behind";
}

TEST(Run, AFolderBringsItsSchemeOfKeysAndValues) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto report = quantize(folder / "tiny", "kivi-4", folder / "out").take();
  EXPECT_EQ(report.plan.n_quantized, 0U);
  const auto result = io::open_checkpoint(folder / "out").take();
  const auto config = model::read_config(*result).take();
  const auto kv = model::read_kv_setup(*result, config, Arithmetic::kNative, nullptr).take();
  EXPECT_EQ(kv.name(), "kivi-4");
}

TEST(CalibratedRun, AFolderBringsTheTablesOfItsScheme) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  calibrated_recipe(folder.path(), "solve = \"gptq\"");  // for its text
  nibble::testing::write_file(folder / "kv.toml",
                              "name = \"k\"\nkv = \"kvquant-4\"\n[calibration]\n"
                              "source = \"text.jsonl\"\nwindows = 12\nwindow_tokens = 8\n");
  const auto run = [&](const fs::path& out, std::size_t n_threads) {
    ThreadPool pool(n_threads);
    const auto checkpoint = io::open_checkpoint(folder / "tiny").take();
    const auto recipe = load_recipe((folder / "kv.toml").string()).take();
    return quantize_checkpoint(
        *checkpoint, recipe, out, pool, silent_progress(), {.data = folder.path()});
  };
  EXPECT_FALSE(run(folder / "out", 1).take().calibration_sha256.empty());
  run(folder / "again", 2).take();
  const auto result = io::open_checkpoint(folder / "out").take();
  const auto config = model::read_config(*result).take();
  const auto kv = model::read_kv_setup(*result, config, Arithmetic::kNative, nullptr).take();
  EXPECT_EQ(kv.name(), "kvquant-4");
  EXPECT_EQ(kv.tables->size(), config.n_layers);
  EXPECT_EQ(read_file(folder / "out" / "kv_tables.json"),
            read_file(folder / "again" / "kv_tables.json"));
}

TEST(CalibratedRun, TablesOfKeysAndValuesAreThoseOfTransformedBlocks) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  calibrated_recipe(folder.path(), "solve = \"gptq\"");  // for its text
  const auto checkpoint = io::open_checkpoint(folder / "tiny").take();
  ThreadPool pool(2);
  const auto tables = [&](const std::string& name, const std::string& transform) {
    const std::string text =
        "name = \"k\"\nkv = \"kvquant-4\"\n[calibration]\n"
        "source = \"text.jsonl\"\nwindows = 12\nwindow_tokens = 8\n" +
        transform + "[[stage]]\nsolve = \"nearest\"\nscheme = { default = \"f32\" }\n";
    const auto recipe = parse_recipe(text, name).take();
    quantize_checkpoint(
        *checkpoint, recipe, folder / name, pool, silent_progress(), {.data = folder.path()})
        .take();
    return model::parse_kv_tables(
               parse_json(read_file(folder / name / "kv_tables.json"), name).take(),
               *recipe.kv,
               model::read_config(*checkpoint).take())
        .take();
  };
  const auto plain = tables("plain", "");
  const auto smooth = tables("smooth", "[[stage]]\ntransform = \"smooth\"\n");
  // The scales cancel between norm and weights: keys and values stay what they were.
  ASSERT_EQ(smooth.size(), 1U);
  EXPECT_THAT(smooth[0].key_levels,
              ::testing::Pointwise(::testing::FloatNear(5e-3F), plain[0].key_levels));
  for (std::size_t i = 0; i < plain[0].key_limits.size(); ++i) {
    EXPECT_NEAR(smooth[0].key_limits[i].upper, plain[0].key_limits[i].upper, 1e-4F);
  }
}

TEST(CalibratedRun, LowersTheErrorOfOutputsOverRounding) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto report = calibrate(folder.path(), folder / "out", 2).take();
  const auto nearest =
      quantize(folder / "tiny", "method=nearest,codec=int3g32ah", folder / "near").take();
  EXPECT_GT(report.relative_error, nearest.relative_error) << "weights move away for the outputs";
  EXPECT_LT(report.relative_error, 2 * nearest.relative_error);
}

/// A method and how often it tells of progress in a block.
struct Interrupted {
  std::string_view method;
  int per_block;
};

class InterruptedRun : public ::testing::TestWithParam<Interrupted> {};

TEST_P(InterruptedRun, GoesOnBehindTheLastBlockWithTheSameBytes) {
  class CancelInSecondBlock final : public ProgressSink {
   public:
    void begin(std::string_view, std::uint64_t) override {}
    void advance(std::uint64_t) override {
      if (++n_ == GetParam().per_block + 2) {
        cancel_flag().request();
      }
    }
    void end() override {}
    void note(std::string_view) override {}

   private:
    int n_ = 0;
  };
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny", 0.0F, 3);
  calibrate(folder.path(), folder / "whole", 2, silent_progress(), GetParam().method).take();
  EXPECT_EXIT(
      {
        CancelInSecondBlock progress;
        const auto report =
            calibrate(folder.path(), folder / "out", 1, progress, GetParam().method);
        std::_Exit(!report && report.failure().code == ErrorCode::kCancelled ? 7 : 1);
      },
      ::testing::ExitedWithCode(7),
      "");
  EXPECT_FALSE(fs::exists(folder / "out"));
  std::size_t n_blocks = 0;
  for (const auto& path : entries(folder.path())) {
    n_blocks += path.filename().string().starts_with("out.blocks.") ? entries(path).size() : 0;
  }
  EXPECT_GE(n_blocks, 1U) << "the first block is kept";
  const auto report =
      calibrate(folder.path(), folder / "out", 2, silent_progress(), GetParam().method).take();
  EXPECT_EQ(report.weights.size(), 21U);
  EXPECT_EQ(read_file(folder / "whole" / "model.safetensors"),
            read_file(folder / "out" / "model.safetensors"));
  EXPECT_EQ(read_file(folder / "whole" / "config.json"), read_file(folder / "out" / "config.json"));
}

INSTANTIATE_TEST_SUITE_P(Methods,
                         InterruptedRun,
                         ::testing::Values(Interrupted{kGptq, 7},
                                           Interrupted{kAutoround, 7},
                                           Interrupted{kGptaq, 7}));

TEST(CalibratedRun, ASecondProcessOnTheSameJobIsRefused) {
  /// A child starts the same job as soon as the first one tells of a weight.
  class StartAgain final : public ProgressSink {
   public:
    explicit StartAgain(const fs::path& folder) : folder_(folder) {}
    void begin(std::string_view, std::uint64_t) override {}
    void advance(std::uint64_t) override {
      if (is_started_) {
        return;
      }
      is_started_ = true;
      const pid_t child = ::fork();
      if (child == 0) {
        const auto report = calibrate(folder_, folder_ / "out", 1);
        const bool is_io = !report && report.failure().code == ErrorCode::kIo;
        nibble::testing::write_file(folder_ / "second", is_io ? report.failure().message : "");
        std::_Exit(0);
      }
      ::waitpid(child, nullptr, 0);
    }
    void end() override {}
    void note(std::string_view) override {}

   private:
    fs::path folder_;
    bool is_started_ = false;
  };
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny", 0.0F, 2);
  calibrate(folder.path(), folder / "alone", 1).take();
  StartAgain progress(folder.path());
  EXPECT_EQ(calibrate(folder.path(), folder / "out", 1, progress).take().weights.size(), 14U);
  const std::string second = read_file(folder / "second");
  EXPECT_THAT(second, HasSubstr("out.blocks."));
  EXPECT_THAT(second, HasSubstr(": another program quantizes into this folder"));
  EXPECT_EQ(read_file(folder / "alone" / "model.safetensors"),
            read_file(folder / "out" / "model.safetensors"));
  EXPECT_EQ(entries(folder.path()).size(), 6U) << "something was left behind";
}

TEST(CalibratedRun, SolversOfBlocksAndOfSitesShareABlock) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny", 0.0F, 2);
  const auto report = calibrate(folder.path(),
                                folder / "out",
                                2,
                                silent_progress(),
                                "solve = \"gptq\"\nscheme = { \"*.mlp.*\" = \"int3g32a\" }\n"
                                "[[stage]]\nsolve = \"autoround\"\niterations = 6\nbatch = 4")
                          .take();
  EXPECT_EQ(report.weights.size(), 14U);
  std::size_t n_tuned = 0;
  for (const WeightReport& weight : report.weights) {
    const bool is_mlp = weight.weight.find(".mlp.") != std::string::npos;
    EXPECT_EQ(weight.measures.empty(), is_mlp) << weight.weight;
    n_tuned += is_mlp ? 0 : 1;
  }
  EXPECT_EQ(n_tuned, 8U);
  EXPECT_THAT(report_text(report), HasSubstr("block_mse: "));
}

TEST(CalibratedRun, ActivationsThatOverflowAreRefused) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny", 3e38F, 1, "model.layers.0.input_layernorm.weight");
  const auto report = calibrate(folder.path(), folder / "out", 1);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.failure().message, HasSubstr("q_proj.weight: input 3 is not finite on"));
}

TEST(CalibratedRun, OnlyLayersOfBlocksCanBeCalibrated) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto report = quantize(folder / "tiny", "method=gptq,codec=int4g32a", folder / "out");
  ASSERT_FALSE(report);
  EXPECT_THAT(report.failure().message, HasSubstr("calibration text 'wikitext2': none of"));
}

TEST(Run, AFolderThatExistsIsNotTouched) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const std::string before = read_file(folder / "tiny" / "model.safetensors");
  const auto report = quantize(folder / "tiny", "nf4", folder / "tiny");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.failure().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read_file(folder / "tiny" / "model.safetensors"), before);
}

TEST(Run, AQuantizedFolderCanBeQuantizedAgain) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  quantize(folder / "tiny", "rtn-int8", folder / "eight").take();
  const auto report = quantize(folder / "eight", "rtn-int4", folder / "four").take();
  EXPECT_THAT(report.plan.notes.front(),
              HasSubstr("7 weights are int8g64ah in the source already"));
}

TEST(Run, DemoModelComesOutWithItsConfigurationAndTokenizer) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  const TempFolder folder;
  const auto report = quantize(path, "nf4", folder / "out").take();
  EXPECT_EQ(report.weights.size(), 210U);
  EXPECT_NEAR(report.relative_error, 0.0935, 0.001);
  const auto source = io::open_checkpoint(path).take();
  const auto result = io::open_checkpoint(folder / "out").take();
  const auto before = model::read_config(*source).take();
  const auto after = model::read_config(*result).take();
  EXPECT_EQ(after.n_parameters(), before.n_parameters());
  EXPECT_EQ(after.rope_theta, before.rope_theta);
  EXPECT_EQ(after.norm_epsilon, before.norm_epsilon);
  EXPECT_EQ(after.context, before.context);
  EXPECT_TRUE(result->companion("tokenizer.nibble.json"));
  EXPECT_TRUE(result->companion("chat_template.jinja"));
  // Kept tensors carry the same bits, rows in Hugging Face order.
  const auto embedding = model::load_weight(*result, after, "model.embed_tokens.weight").take();
  EXPECT_EQ(embedding.codec->name(), "q8_0");
  EXPECT_EQ(
      codec::decode_all(embedding),
      codec::decode_all(model::load_weight(*source, before, "model.embed_tokens.weight").take()));
}

TEST(Run, ReportAsTextAndJson) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto report = quantize(folder / "tiny", "fp4", folder / "out").take();
  EXPECT_THAT(report_text(report), HasSubstr("7 weights quantized"));
  const Json json = report_json(report);
  EXPECT_EQ(json.at("weights").size(), 7U);
  EXPECT_EQ(json.at("file_bytes"), report.file_bytes);
}

}  // namespace
}  // namespace nibble::quant
