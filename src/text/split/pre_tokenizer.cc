#include "text/split/pre_tokenizer.h"

#include <algorithm>

namespace nibble::text {
namespace {

constexpr std::string_view kBlank = "\xE2\x96\x81";  // U+2581

struct Part {
  std::string_view text;
  bool is_match;
};

/// The text as matches and what lies between them.
std::vector<Part> find_parts(const SplitStep& step, std::string_view text) {
  std::vector<Part> parts;
  std::size_t from = 0;
  const auto on_match = [&](std::string_view match) {
    const auto at = static_cast<std::size_t>(match.data() - text.data());
    if (at > from) {
      parts.push_back({text.substr(from, at - from), step.invert});
    }
    parts.push_back({match, !step.invert});
    from = at + match.size();
  };
  if (step.kind == SplitStep::Kind::kRegex) {
    step.regex->for_each_match(text, on_match);
  } else {
    for (std::size_t at = 0; (at = text.find(step.literal, at)) != std::string_view::npos;
         at += step.literal.size()) {
      on_match(text.substr(at, step.literal.size()));
    }
  }
  if (from < text.size()) {
    parts.push_back({text.substr(from), step.invert});
  }
  return parts;
}

std::string_view joined(std::string_view left, std::string_view right) {
  return {left.data(), left.size() + right.size()};
}

/// Joins neighbours wherever `joins(left, right)`; the joined part counts as what its last member
/// is.
template <class Joins>
void give_joined(const std::vector<Part>& parts, Joins&& joins, WordSink sink) {
  std::string_view pending;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    pending = pending.empty() ? parts[i].text : joined(pending, parts[i].text);
    if (i + 1 == parts.size() || !joins(i)) {
      sink(pending);
      pending = {};
    }
  }
}

/// For runs of matches, only the first (or, from the right, the last) joins its neighbour.
std::vector<bool> joins_previous(const std::vector<Part>& parts) {
  std::vector<bool> joins(parts.size(), false);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    joins[i] = parts[i].is_match && !parts[i - 1].is_match;
  }
  return joins;
}

void split_by_matches(const SplitStep& step, std::string_view text, WordSink sink) {
  const std::vector<Part> parts = find_parts(step, text);
  switch (step.behavior) {
    case SplitBehavior::kRemoved:
    case SplitBehavior::kIsolated:
      for (const Part& part : parts) {
        if (!part.is_match || step.behavior == SplitBehavior::kIsolated) {
          sink(part.text);
        }
      }
      return;
    case SplitBehavior::kMergedWithPrevious: {
      const std::vector<bool> back = joins_previous(parts);
      return give_joined(
          parts, [&](std::size_t i) { return back[i + 1]; }, sink);
    }
    case SplitBehavior::kMergedWithNext:
      return give_joined(
          parts, [&](std::size_t i) { return parts[i].is_match && !parts[i + 1].is_match; }, sink);
    case SplitBehavior::kContiguous:
      return give_joined(
          parts, [&](std::size_t i) { return parts[i].is_match == parts[i + 1].is_match; }, sink);
  }
}

void cut_at_blanks(const SplitStep& step, std::string_view text, WordSink sink) {
  std::size_t begin = 0;
  for (std::size_t at = 0; (at = text.find(kBlank, at)) != std::string_view::npos;
       at += kBlank.size()) {
    const std::string_view before = text.substr(begin, at - begin);
    const bool inside = before.ends_with(kBlank) ||
                        std::ranges::any_of(step.joined, [&](const std::string& character) {
                          return before.ends_with(character);
                        });
    if (!before.empty() && !inside) {
      sink(before);
      begin = at;
    }
  }
  if (begin < text.size()) {
    sink(text.substr(begin));
  }
}

void split_metaspace(const SplitStep& step, std::string_view text, bool at_start, WordSink sink) {
  const bool prepend = step.prepend == SplitStep::Prepend::kAlways ||
                       (step.prepend == SplitStep::Prepend::kFirst && at_start);
  std::string spaced;
  if (prepend && !text.starts_with(' ') && !text.starts_with(kBlank)) {
    spaced = kBlank;
  }
  for (const char c : text) {
    spaced.append(c == ' ' ? kBlank : std::string_view(&c, 1));
  }
  if (!step.flag) {
    return sink(spaced);
  }
  std::size_t begin = 0;
  for (std::size_t at = 1; (at = std::string_view(spaced).find(kBlank, at)) != std::string::npos;
       at += kBlank.size()) {
    sink(std::string_view(spaced).substr(begin, at - begin));
    begin = at;
  }
  sink(std::string_view(spaced).substr(begin));
}

void run_step(const SplitStep& step, std::string_view text, bool at_start, WordSink sink) {
  switch (step.kind) {
    case SplitStep::Kind::kPattern:
      return scan_words(step.pattern, text, sink);
    case SplitStep::Kind::kRegex:
    case SplitStep::Kind::kLiteral:
      return split_by_matches(step, text, sink);
    case SplitStep::Kind::kDigits:
      return scan_digits(text, step.flag, sink);
    case SplitStep::Kind::kBert:
      return scan_bert_words(text, sink);
    case SplitStep::Kind::kPrefixBlank:
      return text.starts_with(' ') ? sink(text) : sink(std::string(" ").append(text));
    case SplitStep::Kind::kMetaspace:
      return split_metaspace(step, text, at_start, sink);
    case SplitStep::Kind::kCutAtBlanks:
      return cut_at_blanks(step, text, sink);
  }
}

}  // namespace

void PreTokenizer::run(std::size_t step,
                       std::string_view text,
                       bool at_start,
                       WordSink sink) const {
  if (text.empty()) {
    return;
  }
  if (step == steps_.size()) {
    return sink(text);
  }
  bool first = true;
  run_step(steps_[step], text, at_start, [&](std::string_view part) {
    run(step + 1, part, at_start && first, sink);
    first = false;
  });
}

}  // namespace nibble::text
