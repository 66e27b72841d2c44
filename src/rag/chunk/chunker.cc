#include "rag/chunk/chunker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/utf8.h"

namespace nibble::rag {
namespace {

struct UnitRow {
  std::string_view name;
  ChunkUnit unit;
};
constexpr std::array kUnits = {UnitRow{"whole", ChunkUnit::kWhole},
                               UnitRow{"tokens", ChunkUnit::kTokens},
                               UnitRow{"words", ChunkUnit::kWords},
                               UnitRow{"sentences", ChunkUnit::kSentences},
                               UnitRow{"paragraphs", ChunkUnit::kParagraphs}};
constexpr std::size_t kMaxBudget = 1'000'000;

std::vector<std::string_view> split_colons(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t colon = 0; colon != std::string_view::npos;) {
    colon = text.find(':');
    out.push_back(text.substr(0, colon));
    text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
  }
  return out;
}

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value <= kMaxBudget ? std::optional(value) : std::nullopt;
}

struct Unit {
  TextRange range;
  std::size_t size = 0;  ///< in what the budget is in
};

class Packer {
 public:
  Packer(std::string_view text, const ChunkSettings& settings, TokenCount count)
      : text_(text), settings_(settings), count_(count) {}

  std::vector<TextRange> run() {
    split({0, text_.size()}, settings_.unit);
    std::vector<TextRange> out;
    std::size_t first = 0;
    while (first < units_.size()) {
      const std::size_t end = fill(first);
      out.push_back({units_[first].range.begin, units_[end - 1].range.end});
      first = end == units_.size() ? end : step_back(first, end);
    }
    return out;
  }

 private:
  std::size_t size_of(TextRange range) const {
    return size_in_budget(range.of(text_), settings_.unit, count_);
  }

  /// Units of `unit` inside `range`; one that is too large goes on to smaller units.
  void split(TextRange range, ChunkUnit unit) {
    const std::string_view part = range.of(text_);
    const auto found = unit == ChunkUnit::kParagraphs  ? split_paragraphs(part)
                       : unit == ChunkUnit::kSentences ? split_sentences(part)
                                                       : split_words(part);
    for (const TextRange& piece : found) {
      const Unit whole = {{range.begin + piece.begin, range.begin + piece.end},
                          size_of({range.begin + piece.begin, range.begin + piece.end})};
      if (whole.size <= settings_.budget) {
        units_.push_back(whole);
      } else if (unit == ChunkUnit::kParagraphs) {
        split(whole.range, ChunkUnit::kSentences);
      } else if (unit == ChunkUnit::kSentences) {
        split(whole.range, ChunkUnit::kWords);
      } else {
        split_word(whole.range);
      }
    }
  }

  /// Halves a word of too many tokens until its parts fit; a single character is left as it is.
  void split_word(TextRange range) {
    const std::string_view word = range.of(text_);
    const std::size_t n = count_(word);
    const std::size_t half = utf8::complete_prefix(word.substr(0, word.size() / 2));
    if (n <= settings_.budget || half == 0) {
      units_.push_back({range, n});
      return;
    }
    split_word({range.begin, range.begin + half});
    split_word({range.begin + half, range.end});
  }

  /// Behind the last unit of the passage that begins with `first`.
  std::size_t fill(std::size_t first) const {
    std::size_t end = first + 1;
    std::size_t size = units_[first].size;
    while (end < units_.size() && size + units_[end].size <= settings_.budget) {
      size += units_[end++].size;
    }
    return end;
  }

  /// The first unit of the next passage: as many units back as the overlap holds, but ahead of the
  /// last passage's first, and only so many that the next passage gets further than this one.
  std::size_t step_back(std::size_t first, std::size_t end) const {
    std::size_t next = end;
    std::size_t size = 0;
    while (next > first + 1 && size + units_[next - 1].size <= settings_.overlap) {
      size += units_[--next].size;
    }
    while (next < end && size + units_[end].size > settings_.budget) {
      size -= units_[next++].size;
    }
    return next;
  }

  std::string_view text_;
  const ChunkSettings& settings_;
  TokenCount count_;
  std::vector<Unit> units_;
};

}  // namespace

Result<ChunkSettings> ChunkSettings::parse(std::string_view text) {
  const auto wrong = [text](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument,
                "passages '{}': {}; expected whole, or tokens, words, sentences or paragraphs with "
                ":BUDGET and perhaps :OVERLAP, such as tokens:254:32",
                text,
                why);
  };
  const auto parts = split_colons(text);
  const auto row = std::ranges::find(kUnits, parts[0], &UnitRow::name);
  if (row == kUnits.end()) {
    return wrong("no such unit");
  }
  ChunkSettings out = {.unit = row->unit, .budget = 0, .overlap = 0};
  if (out.unit == ChunkUnit::kWhole) {
    return parts.size() == 1 ? Result(out) : wrong("whole takes no numbers");
  }
  if (parts.size() < 2 || parts.size() > 3) {
    return wrong("one or two numbers are wanted");
  }
  const auto budget = number(parts[1]);
  const auto overlap = parts.size() == 3 ? number(parts[2]) : std::size_t{0};
  if (!budget || !overlap || *budget == 0 || *overlap >= *budget) {
    return wrong("a budget from 1 to 1000000 and an overlap below it are wanted");
  }
  out.budget = *budget;
  out.overlap = *overlap;
  return out;
}

std::string ChunkSettings::text() const {
  const auto row = std::ranges::find(kUnits, unit, &UnitRow::unit);
  return unit == ChunkUnit::kWhole ? std::string(row->name)
                                   : fmt::format("{}:{}:{}", row->name, budget, overlap);
}

ChunkSettings ChunkSettings::beside(std::size_t size) const {
  ChunkSettings out = *this;
  out.budget -= std::min(size, budget / 2);
  out.overlap = std::min(overlap, out.budget - 1);
  return unit == ChunkUnit::kWhole ? *this : out;
}

std::size_t size_in_budget(std::string_view text, ChunkUnit unit, TokenCount count) {
  if (unit == ChunkUnit::kWhole) {
    return 0;
  }
  std::size_t n = 0;
  for (const TextRange& word : split_words(text)) {
    n += unit == ChunkUnit::kWords ? 1 : count(word.of(text));
  }
  return n;
}

std::vector<TextRange> chunk_text(std::string_view text,
                                  const ChunkSettings& settings,
                                  TokenCount count) {
  if (settings.unit != ChunkUnit::kWhole) {
    return Packer(text, settings, count).run();
  }
  const std::string_view kept = utf8::strip(text);
  if (kept.empty()) {
    return {};
  }
  const auto begin = static_cast<std::size_t>(kept.data() - text.data());
  return {{begin, begin + kept.size()}};
}

}  // namespace nibble::rag
