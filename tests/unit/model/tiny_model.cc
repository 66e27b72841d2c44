#include "unit/model/tiny_model.h"

#include "model/companions.h"
#include "text/tokenizer_spec.h"

namespace nibble::model::testing {
namespace {

std::string character_tokenizer() {
  text::GgufTokenizerSpec spec;
  spec.model = "gpt2";
  spec.pre = "gpt-2";
  spec.tokens.emplace_back("<|end|>");
  for (char c = '!'; c <= '~'; ++c) {
    spec.tokens.emplace_back(1, c);
  }
  spec.tokens.emplace_back("\u0120");
  spec.types.assign(spec.tokens.size(), 1);
  spec.types.front() = 3;
  spec.eos = 0;
  return text::spec_to_json(spec);
}

}  // namespace

std::filesystem::path tiny_folder(const std::string& name) {
  return nibble::testing::source_path("tests/golden/model") / name;
}

TinyCopy::TinyCopy(const std::string& name) {
  std::filesystem::copy(tiny_folder(name), folder_.path());
  nibble::testing::write_file(folder_ / kNibbleTokenizerFile, character_tokenizer());
}

}  // namespace nibble::model::testing
