#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/files.h"
#include "unit/io/file_builders.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Inspect : public ::testing::Test {
 protected:
  testing::CommandResult inspect(std::string_view name,
                                 std::string_view content,
                                 std::string_view more = "") {
    testing::write_file(folder_ / name, content);
    return testing::run_program(fmt::format("inspect {} {}", (folder_ / name).string(), more));
  }
  testing::TempFolder folder_;
};

TEST_F(Inspect, ShowsAGgufFile) {
  const auto shown = inspect("m.gguf", io::small_gguf());
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_THAT(shown.out, HasSubstr("m.gguf: gguf, 420 bytes\n2 tensors, 67 weights"));
  EXPECT_THAT(shown.out, HasSubstr("general.architecture                      llama\n"));
  EXPECT_THAT(shown.out, HasSubstr("w       [2, 32]  q8_0          8.500             68\n"));
}

TEST_F(Inspect, WritesJson) {
  const auto shown = inspect("m.gguf", io::small_gguf(), "--json --hash");
  const auto json = nlohmann::json::parse(shown.out);
  EXPECT_EQ(json["container"], "gguf");
  EXPECT_EQ(json["n_tensors"], 2);
  EXPECT_EQ(json["metadata"]["llama.block_count"], 7);
  EXPECT_EQ(json["tensors"][1],
            (nlohmann::json{{"name", "w"},
                            {"shape", {2, 32}},
                            {"codec", "q8_0"},
                            {"bits_per_weight", 8.5},
                            {"bytes", 68}}));
  EXPECT_EQ(json["sha256"].get<std::string>().size(), 64U);
}

TEST_F(Inspect, ShowsAWeightFileAlone) {
  const auto shown = inspect(
      "m.safetensors",
      io::safetensors_bytes(
          R"({"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[3],"data_offsets":[0,6]}})",
          "abcdef"));
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("safetensors"));
  EXPECT_THAT(shown.out, HasSubstr("a       [3]    bf16         16.000              6\n"));
}

TEST_F(Inspect, ControlCharactersOfTheFileDoNotReachTheTerminal) {
  io::Bytes file;
  file.gguf(3, 0, 1).gguf_text("general.name", "x\x1B[31m");
  const auto shown = inspect("m.gguf", file.text());
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_THAT(shown.out, Not(HasSubstr("\x1B")));
  EXPECT_THAT(shown.out, HasSubstr("x\\u001b[31m"));
}

TEST_F(Inspect, BadFilesEndWithThreeAndOneLine) {
  const auto cut = inspect("cut.gguf", io::small_gguf().substr(0, 300));
  EXPECT_EQ(cut.exit_code, 3);
  EXPECT_EQ(cut.out, "");
  EXPECT_THAT(cut.err, HasSubstr("cut.gguf: "));
  EXPECT_EQ(std::count(cut.err.begin(), cut.err.end(), '\n'), 1);

  io::Bytes huge;
  huge.gguf(3, 1, 0).gguf_tensor("t", {32}, 0, ~std::uint64_t{31}).pad_to(32);
  EXPECT_EQ(inspect("huge.gguf", huge.text()).exit_code, 3);

  const auto large =
      inspect("l.safetensors", io::Bytes().put<std::uint64_t>(1 << 20).raw("{}").text());
  EXPECT_EQ(large.exit_code, 3);
  EXPECT_THAT(large.err, HasSubstr("header length at byte 0: 1048576 do not fit"));

  EXPECT_EQ(testing::run_program("inspect " + (folder_ / "none").string()).exit_code, 3);
  EXPECT_EQ(testing::run_program("inspect " + folder_.path().string()).exit_code, 3);
}

}  // namespace
}  // namespace nibble::app
