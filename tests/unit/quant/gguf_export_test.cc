#include "quant/gguf_export.h"

#include <gmock/gmock.h>

#include <array>
#include <nlohmann/json.hpp>

#include "model/config.h"
#include "model/weights.h"
#include "quant/run.h"
#include "text/tokenizer_spec.h"
#include "unit/quant/tiny_checkpoint.h"

namespace nibble::quant {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;

/// All bytes, so that any text can be spelled, as GGUF wants it.
std::string byte_tokenizer(std::size_t n_tokens) {
  text::GgufTokenizerSpec spec;
  spec.model = "gpt2";
  spec.pre = "gpt-2";
  for (std::size_t i = 0; i < n_tokens; ++i) {
    spec.tokens.push_back(std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i));
  }
  return text::spec_to_json(spec);
}

class GgufExport : public ::testing::Test {
 protected:
  GgufExport() {
    write_tiny_checkpoint(folder_ / "tiny", 0.0F, 2);
    std::filesystem::remove(folder_ / "tiny" / "tokenizer.json");
  }

  std::filesystem::path at(std::string_view name) const { return folder_ / name; }

  Result<ConvertReport> quantize_and_export(std::string_view recipe) {
    const auto source = io::open_checkpoint(at("tiny")).take();
    const auto folder = at("q");
    std::filesystem::remove_all(folder);
    std::filesystem::remove(at("out.gguf"));
    quantize_checkpoint(*source, load_recipe(recipe).take(), folder, pool_, silent_progress())
        .take();
    return export_gguf(
        *io::open_checkpoint(folder).take(), at("out.gguf"), pool_, silent_progress());
  }

  TempFolder folder_;
  ThreadPool pool_{2};
};

TEST_F(GgufExport, HoldsTheModelAsItWas) {
  const auto report = quantize_and_export("method=gguf,codec=q4_0").take();
  EXPECT_EQ(report.n_packed, 14U);
  EXPECT_EQ(report.n_verified, 21U);
  EXPECT_THAT(report.notes, ::testing::ElementsAre(HasSubstr("no tokenizer")));
  const auto file = io::open_checkpoint(at("out.gguf")).take();
  EXPECT_EQ(file->metadata().at("general.file_type"), 2);
  EXPECT_EQ(file->metadata().at("general.quantization_version"), 2);
  EXPECT_EQ(file->tensor("blk.1.attn_q.weight").take().matrix.codec->name(), "q4_0");
  EXPECT_EQ(file->tensor("blk.0.attn_norm.weight").take().shape, Shape{64});
}

TEST_F(GgufExport, RowsOfQAndKAreInterleaved) {
  quantize_and_export("f16").take();
  const auto source = io::open_checkpoint(at("q")).take();
  const auto file = io::open_checkpoint(at("out.gguf")).take();
  const auto q =
      codec::decode_all(source->tensor("model.layers.0.self_attn.q_proj.weight").take().matrix);
  const auto stored = codec::decode_all(file->tensor("blk.0.attn_q.weight").take().matrix);
  // Heads of 32 rows: row 1 of the file is row 16 of the first head.
  EXPECT_TRUE(std::equal(stored.begin() + 64, stored.begin() + 128, q.begin() + 16 * 64));
}

TEST_F(GgufExport, IntegerGroupsBecomeBlocksWhereTheyFit) {
  EXPECT_EQ(quantize_and_export("method=nearest,codec=int4g32sh").take().n_packed, 14U);
  EXPECT_EQ(io::open_checkpoint(at("out.gguf"))
                .take()
                ->tensor("blk.0.ffn_up.weight")
                .take()
                .matrix.codec->name(),
            "q4_0");
  EXPECT_EQ(quantize_and_export("method=nearest,codec=int4g32ah").take().n_packed, 14U);
}

TEST_F(GgufExport, SaysWhatCannotBeWritten) {
  const auto why = [&](std::string_view recipe) {
    return quantize_and_export(recipe).failure().message;
  };
  EXPECT_THAT(why("nf4"), HasSubstr("model.layers.0.self_attn.q_proj.weight"));
  EXPECT_THAT(why("method=hqq,codec=int4g32fh"), HasSubstr("self_attn.q_proj"));
  EXPECT_THAT(why("method=nearest,codec=int4g32s"), HasSubstr("self_attn.q_proj"));
  EXPECT_FALSE(std::filesystem::exists(at("out.gguf")));
}

TEST_F(GgufExport, TakesTheTokenizerAlongAndFillsItUp) {
  nibble::testing::write_file(at("tiny") / "tokenizer.nibble.json", byte_tokenizer(30));
  quantize_and_export("f16").take();
  const auto metadata = io::open_checkpoint(at("out.gguf")).take()->metadata();
  EXPECT_EQ(metadata.at("tokenizer.ggml.tokens").size(), 32U);
  EXPECT_EQ(metadata.at("tokenizer.ggml.tokens").back(), "[PAD31]");
  EXPECT_EQ(metadata.at("tokenizer.ggml.token_type").back(), 5);
}

TEST_F(GgufExport, AFileThatExistsStays) {
  nibble::testing::write_file(at("there.gguf"), "mine");
  const auto source = io::open_checkpoint(at("tiny")).take();
  const auto report = export_gguf(*source, at("there.gguf"), pool_, silent_progress());
  EXPECT_EQ(report.failure().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(nibble::testing::read_file(at("there.gguf")), "mine");
}

/// A tiny model written as GGUF, after `changes` to its configuration.
Result<ConvertReport> export_family(std::string_view family, const Json& changes = Json::object()) {
  const TempFolder folder;
  ThreadPool pool(1);
  const auto from = nibble::testing::source_path(fmt::format("tests/golden/model/{}", family));
  std::filesystem::copy(from, folder / "model");
  Json config = parse_json(nibble::testing::read_file(from / "config.json"), "config").take();
  config.update(changes);
  nibble::testing::write_file(folder / "model" / "config.json", dump_json(config));
  const auto source = io::open_checkpoint(folder / "model").take();
  return export_gguf(*source, folder / "out.gguf", pool, silent_progress());
}

TEST(GgufExportOfFamilies, EveryFamilyReadsBack) {
  const std::vector<std::pair<std::string_view, Json>> cases = {
      {"llama3-scaled", Json::object()},
      {"mistral-window", Json::object()},
      {"qwen3", Json::object()},
      {"qwen2", {{"use_sliding_window", false}, {"layer_types", nullptr}}},
      {"gemma3", {{"query_pre_attn_scalar", 16}}}};  // the size of a head
  for (const auto& [family, changes] : cases) {
    SCOPED_TRACE(family);
    const auto report = export_family(family, changes);
    ASSERT_TRUE(report) << report.failure().message;
    EXPECT_GT(report->n_verified, 10U);
  }
}

TEST(GgufExportOfFamilies, WhatNoKeySaysIsRefused) {
  for (const std::string_view family :
       {"qwen2", "gemma3"}) {  // windows by layer, a scale of its own
    EXPECT_THAT(export_family(family).failure().message,
                HasSubstr("its configuration has something that GGUF cannot say"));
  }
}

}  // namespace
}  // namespace nibble::quant
