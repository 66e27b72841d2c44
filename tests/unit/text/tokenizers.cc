#include "unit/text/tokenizers.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "io/checkpoint.h"
#include "support/files.h"
#include "text/vocab/byte_level.h"

namespace nibble::text::testing {
namespace {

std::string stream(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  StreamDecoder decoder(tokenizer);
  std::string text;
  for (const TokenId id : ids) {
    text += decoder.push(id);
  }
  return text + decoder.finish();
}

}  // namespace

GgufTokenizerSpec spec_of_gguf(const std::filesystem::path& path) {
  const auto checkpoint = io::open_checkpoint(path).take();
  return spec_from_gguf_metadata(checkpoint->metadata()).take();
}

std::vector<GoldenRow> read_golden(const std::filesystem::path& path) {
  std::vector<GoldenRow> rows;
  const std::string text = nibble::testing::read_file(path);
  for_each_json_line(text, path.string(), [&](Json&& line, std::size_t) -> Result<void> {
    GoldenRow row;
    row.id = line.at("id");
    row.text = line.at("text");
    row.ids = line.at("ids").get<std::vector<TokenId>>();
    const char* with = line.contains("ids_with_bos") ? "ids_with_bos" : "ids_with_special";
    row.ids_with_special = line.value(with, row.ids);
    row.decoded = line.at("decoded");
    row.decoded_skip_special = line.value("decoded_skip_special", row.decoded);
    rows.push_back(std::move(row));
    return {};
  }).take();
  return rows;
}

void expect_golden(const Tokenizer& tokenizer, const std::vector<GoldenRow>& rows) {
  ASSERT_GT(rows.size(), 100U);
  for (const GoldenRow& row : rows) {
    SCOPED_TRACE(::testing::Message() << "row " << row.id << ": " << row.text);
    EXPECT_EQ(tokenizer.encode(row.text, AddSpecial::kNo).take(), row.ids);
    EXPECT_EQ(tokenizer.encode(row.text, AddSpecial::kYes).take(), row.ids_with_special);
    EXPECT_EQ(tokenizer.decode(row.ids, SkipSpecial::kNo).take(), row.decoded);
    EXPECT_EQ(tokenizer.decode(row.ids, SkipSpecial::kYes).take(), row.decoded_skip_special);
    EXPECT_EQ(stream(tokenizer, row.ids), row.decoded_skip_special);
  }
}

GgufTokenizerSpec small_bpe(const std::vector<std::string>& merges) {
  GgufTokenizerSpec spec;
  spec.model = "gpt2";
  spec.pre = "gpt-2";
  for (int byte = 0; byte < 256; ++byte) {
    const char text = static_cast<char>(byte);
    spec.tokens.push_back(spelling_of_bytes({&text, 1}));
  }
  for (const std::string& merge : merges) {
    std::string joined = merge;
    joined.erase(joined.find(' ', 1), 1);
    spec.tokens.push_back(joined);
  }
  spec.merges = merges;
  spec.types.assign(spec.tokens.size(), 1);
  for (const char* control : {"<|a|>", "<|b|>"}) {
    spec.tokens.emplace_back(control);
    spec.types.push_back(3);
  }
  return spec;
}

}  // namespace nibble::text::testing
