/// A tokenizer that tests can follow by eye: one id a byte, except that "ab" is one token.
#pragma once

#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace nibble::eval {

class FakeTokenizer final : public text::Tokenizer {
 public:
  static constexpr text::TokenId kPair = 256;
  static constexpr text::TokenId kBos = 257;
  static constexpr text::TokenId kEos = 258;

  FakeTokenizer() {
    special_.bos = kBos;
    special_.eos = kEos;
    special_.end_of_generation = {kEos};
  }
  text::SpecialTokens& mutable_special() { return special_; }

  [[nodiscard]] Result<std::vector<text::TokenId>> encode(
      std::string_view text, text::AddSpecial /*add_special*/) const override {
    std::vector<text::TokenId> ids;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text.substr(i, 2) == "ab") {
        ids.push_back(kPair);
        ++i;
      } else if (text.substr(i, 3) == "<s>") {
        ids.push_back(kBos);
        i += 2;
      } else if (text[i] == '\xFF') {
        return fail(ErrorCode::kInvalidArgument, "byte {} is not UTF-8", i);
      } else {
        ids.push_back(static_cast<unsigned char>(text[i]));
      }
    }
    return ids;
  }
  [[nodiscard]] Result<std::string> decode(std::span<const text::TokenId> ids,
                                           text::SkipSpecial /*skip_special*/) const override {
    std::string text;
    for (const text::TokenId id : ids) {
      text += token_bytes(id);
    }
    return text;
  }
  [[nodiscard]] std::size_t vocab_size() const noexcept override { return 259; }
  [[nodiscard]] const text::SpecialTokens& special() const noexcept override { return special_; }
  [[nodiscard]] std::string token_bytes(text::TokenId id) const override {
    return id < kPair ? std::string(1, static_cast<char>(id)) : id == kPair ? "ab" : "";
  }
  [[nodiscard]] std::optional<std::string_view> token_text(text::TokenId /*id*/) const override {
    return std::nullopt;
  }
  [[nodiscard]] std::string hash() const override { return "fake"; }

 private:
  text::SpecialTokens special_;
};

/// Ids of plain text without pairs.
inline std::vector<text::TokenId> ids_of(std::string_view text) {
  return FakeTokenizer().encode(text, text::AddSpecial::kNo).take();
}

}  // namespace nibble::eval
