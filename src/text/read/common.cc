#include "text/read/common.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace nibble::text {
namespace {

/// More characters than this before a blank: cutting would look at each of them at each blank.
constexpr std::size_t kMostJoined = 8;

std::optional<unsigned> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') {
    return static_cast<unsigned>(c - '0');
  }
  if (c >= 'A' && c <= 'F') {
    return static_cast<unsigned>(c - 'A') + 10;
  }
  return std::nullopt;
}

}  // namespace

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t begin = 0;
  for (std::size_t at = 0; (at = text.find(from, begin)) != std::string_view::npos;) {
    out.append(text.substr(begin, at - begin)).append(to);
    begin = at + from.size();
  }
  return out.append(text.substr(begin));
}

std::optional<unsigned char> byte_of_token(std::string_view spelling) noexcept {
  if (spelling.size() != 6 || !spelling.starts_with("<0x") || spelling.back() != '>') {
    return std::nullopt;
  }
  const auto high = hex_digit(spelling[3]);
  const auto low = hex_digit(spelling[4]);
  if (!high || !low) {
    return std::nullopt;
  }
  return static_cast<unsigned char>(*high << 4 | *low);
}

std::string with_blanks(std::string_view text) {
  return replace_all(text, kBlank, " ");
}
std::string without_blanks(std::string_view text) {
  return replace_all(text, " ", kBlank);
}

bool is_turn_mark(std::string_view spelling) noexcept {
  return spelling == "<start_of_turn>" || spelling == "<end_of_turn>";
}

std::vector<NormalizeStep> bert_steps(const BertOptions& options) {
  using Kind = NormalizeStep::Kind;
  std::vector<NormalizeStep> steps;
  const auto add = [&](bool wanted, Kind kind) {
    if (wanted) {
      steps.push_back({kind, "", ""});
    }
  };
  add(options.clean, Kind::kBertClean);
  add(options.cjk, Kind::kBertCjk);
  add(options.strip_accents, Kind::kNfd);
  add(options.strip_accents, Kind::kStripAccents);
  add(options.lowercase, Kind::kLowercase);
  return steps;
}

std::string tidy_wordpiece(std::string piece) {
  struct Row {
    std::string_view from, to;
  };
  static constexpr Row kRows[] = {{" .", "."},
                                  {" ?", "?"},
                                  {" !", "!"},
                                  {" ,", ","},
                                  {" ' ", "'"},
                                  {" n't", "n't"},
                                  {" 'm", "'m"},
                                  {" do not", " don't"},
                                  {" 's", "'s"},
                                  {" 've", "'ve"},
                                  {" 're", "'re"}};
  for (const Row& row : kRows) {
    piece = replace_all(piece, row.from, row.to);
  }
  return piece;
}

void put_around(PipelineParts& parts) {
  if (parts.special.add_bos) {
    if (!parts.special.bos) {
      raise(ErrorCode::kCorruptData, "a BOS token is to be added, but none is named");
    }
    parts.prefix.push_back(*parts.special.bos);
  }
  if (parts.special.add_eos) {
    if (!parts.special.eos) {
      raise(ErrorCode::kCorruptData, "an EOS token is to be added, but none is named");
    }
    parts.suffix.push_back(*parts.special.eos);
  }
}

void BlankCuts::add(std::string_view piece) {
  for (std::size_t at = 1; (at = piece.find(kBlank, at)) != std::string_view::npos;
       at += kBlank.size()) {
    std::size_t begin = at - 1;
    while (begin > 0 && (static_cast<unsigned char>(piece[begin]) & 0xC0) == 0x80) {
      --begin;
    }
    const std::string_view before = piece.substr(begin, at - begin);
    if (before != kBlank && std::ranges::find(joined_, before) == joined_.end() &&
        joined_.size() <= kMostJoined) {
      joined_.emplace_back(before);
    }
  }
}

std::optional<SplitStep> BlankCuts::step(const StringIndex& pieces) const {
  if (joined_.size() > kMostJoined || !pieces.find(kBlank)) {
    return std::nullopt;
  }
  SplitStep step{};
  step.kind = SplitStep::Kind::kCutAtBlanks;
  step.joined = joined_;
  return step;
}

Result<std::unique_ptr<Tokenizer>> reading(std::string_view where,
                                           FunctionRef<std::unique_ptr<Tokenizer>()> read) {
  try {
    return read();
  } catch (const Error& error) {
    return error.failure().within(where);
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::kCorruptData, "{}: {}", where, error.what());
  }
}

}  // namespace nibble::text
