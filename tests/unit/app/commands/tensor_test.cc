#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "io/safetensors.h"
#include "io/safetensors_writer.h"
#include "support/files.h"

namespace nibble::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A file with a weight w [2, 4], statistics of its inputs, and things that are none of these.
class TensorQuantize : public ::testing::Test {
 protected:
  TensorQuantize() {
    auto writer = io::SafetensorsWriter::create(folder_ / "in.safetensors").take();
    const std::vector<float> w = {-1.0F, 0.4F, 0.6F, 2.0F, 0.0F, 1.0F, 2.0F, 3.0F};
    writer.add("w", Tensor::from<float>(DType::kF32, {2, 4}, w)).take();
    writer.add("abs_mean", Tensor::make(DType::kF32, {4})).take();
    writer.add("moment", Tensor::make(DType::kF32, {4, 4})).take();
    writer.add("ids", Tensor::make(DType::kI32, {2, 4})).take();
    writer.add("bad", Tensor::from<float>(DType::kF32, {1, 2}, std::vector{1.0F, std::nanf("")}))
        .take();
    writer.finish().take();
  }

  testing::CommandResult run(std::string_view arguments) {
    return testing::run_program(fmt::format("tensor quantize {} -o {} {}",
                                            (folder_ / "in.safetensors").string(),
                                            out().string(),
                                            arguments));
  }
  std::filesystem::path out() const { return folder_ / "out.safetensors"; }

  testing::TempFolder folder_;
};

TEST_F(TensorQuantize, WritesCodesScalesZerosAndTheDecodedMatrix) {
  const auto done = run("--weight w --recipe method=nearest,codec=int2ca");
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const auto file = io::SafetensorsFile::open(out()).take();
  EXPECT_THAT(file.tensor("codes").take().as<std::uint8_t>(), ElementsAre(0, 1, 2, 3, 0, 1, 2, 3));
  EXPECT_THAT(file.tensor("scales").take().as<float>(), ElementsAre(1.0F, 1.0F));
  EXPECT_THAT(file.tensor("zeros").take().as<std::uint8_t>(), ElementsAre(1, 0));
  EXPECT_THAT(file.tensor("dequantized").take().as<float>(), ElementsAre(-1, 0, 1, 2, 0, 1, 2, 3));
  EXPECT_EQ(file.metadata().at("codec"), "int2ca");
  EXPECT_EQ(file.metadata().at("method"), "nearest");
}

TEST_F(TensorQuantize, DescribesTheResultAsJson) {
  const auto done = run("--json --weight w --recipe nf4");
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const auto json = nlohmann::json::parse(done.out);
  EXPECT_EQ(json.at("codec"), "nf4b64");
  EXPECT_LT(json.at("relative_error").get<double>(), 0.1);
  EXPECT_EQ(io::SafetensorsFile::open(out()).take().tensor("absmax").take().as<float>()[0], 3.0F);
}

TEST_F(TensorQuantize, GptqWantsTheSecondMomentAndReportsItsObjective) {
  EXPECT_THAT(run("--weight w --recipe gptq-4bit-g128").err,
              HasSubstr("method 'gptq' wants --second-moment NAME"));
  const auto done = run("--json --weight w --recipe gptq-4bit-g128 --second-moment moment");
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const auto json = nlohmann::json::parse(done.out);
  EXPECT_EQ(json.at("dead_inputs"), 4) << "the moment is zero";
  EXPECT_EQ(json.at("objective"), 0.0);
}

TEST_F(TensorQuantize, StatisticsAreCheckedAndRefusedWhereTheMethodIgnoresThem) {
  const auto moment = run("--weight w --second-moment moment");
  EXPECT_EQ(moment.exit_code, 2);
  EXPECT_THAT(moment.err, HasSubstr("--second-moment: method 'nearest' does not use it"));
  const auto mean = run("--weight w --recipe hqq-int4 --abs-mean abs_mean");
  EXPECT_EQ(mean.exit_code, 2);
  EXPECT_THAT(mean.err, HasSubstr("--abs-mean: method 'hqq' does not use it"));
  const auto shape = run("--weight w --second-moment abs_mean");
  EXPECT_EQ(shape.exit_code, 3);
  EXPECT_THAT(shape.err, HasSubstr("abs_mean: expected shape [4, 4], found [4]"));
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(TensorQuantize, WrongInputsAreRejected) {
  EXPECT_THAT(run("--weight v").err, HasSubstr("'v'"));
  EXPECT_EQ(run("--weight v").exit_code, 3);
  EXPECT_THAT(run("--weight abs_mean").err,
              HasSubstr("abs_mean: expected a matrix [rows, cols], found shape [4]"));
  EXPECT_EQ(run("--weight ids").exit_code, 3);
  EXPECT_THAT(run("--weight bad").err, HasSubstr("column 1 is nan"));
  EXPECT_EQ(run("--weight w --recipe method=hqq,codec=int4g64a").exit_code, 3);
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(TensorQuantize, ExistingFilesAreKeptUnlessForced) {
  testing::write_file(out(), "mine");
  EXPECT_EQ(run("--weight w").exit_code, 2);
  EXPECT_EQ(testing::read_file(out()), "mine");
  EXPECT_EQ(run("--weight w --force").exit_code, 0);
  const std::string in = (folder_ / "in.safetensors").string();
  EXPECT_THAT(
      testing::run_program(fmt::format("tensor quantize {} --weight w -o {} --force", in, in)).err,
      HasSubstr("is the input"));
}

}  // namespace
}  // namespace nibble::app
