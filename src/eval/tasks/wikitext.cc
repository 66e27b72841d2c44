#include "eval/tasks/wikitext.h"

#include <array>
#include <utility>

#include "base/utf8.h"

namespace nibble::eval::wikitext {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  text = out.append(text, done);
}

/// "( text )" to "(text)", pair by pair from the left; a pair ends at the first `close` behind its
/// `open`.
void trim_inside(std::string& text, char open, char close) {
  std::string out;
  std::size_t done = 0;
  while (true) {
    const std::size_t begin = text.find(open, done);
    const std::size_t end = begin == std::string::npos ? begin : text.find(close, begin + 1);
    if (end == std::string::npos) {
      break;
    }
    out.append(text, done, begin - done);
    out += open;
    out += utf8::strip(std::string_view(text).substr(begin + 1, end - begin - 1));
    out += close;
    done = end + 1;
  }
  text = out.append(text, done);
}

/// "/' 7/" becomes the text "/'[0-9]/": the reference means a pattern where it writes a
/// replacement.
void replace_quoted_digits(std::string& text) {
  for (char digit = '0'; digit <= '9'; ++digit) {
    replace_all(text, std::string("/' ") + digit + "/", "/'[0-9]/");
  }
}

}  // namespace

std::string detokenized(std::string_view page) {
  using Rule = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Rule, 9> kMarks = {{{" @-@ ", "-"},
                                                  {" @,@ ", ","},
                                                  {" @.@ ", "."},
                                                  {" : ", ": "},
                                                  {" ; ", "; "},
                                                  {" . ", ". "},
                                                  {" ! ", "! "},
                                                  {" ? ", "? "},
                                                  {" , ", ", "}}};
  static constexpr std::array<Rule, 8> kRest = {{{"= = = =", "===="},
                                                 {"= = =", "==="},
                                                 {"= =", "=="},
                                                 {" \xC2\xB0 ", "\xC2\xB0"},
                                                 {" \n", "\n"},
                                                 {"\n ", "\n"},
                                                 {" N ", " 1 "},
                                                 {" 's", "'s"}}};
  std::string text(page);
  replace_all(text, "s '", "s'");
  replace_quoted_digits(text);
  for (const auto& [from, to] : kMarks) {
    replace_all(text, from, to);
  }
  trim_inside(text, '(', ')');
  trim_inside(text, '[', ']');
  trim_inside(text, '{', '}');
  trim_inside(text, '"', '"');
  trim_inside(text, '\'', '\'');
  for (const auto& [from, to] : kRest) {
    replace_all(text, from, to);
  }
  return text;
}

std::size_t n_words(std::string_view text) {
  std::size_t n_runs = 0;
  bool inside_space = false;
  for (std::size_t i = 0; i < text.size();) {
    const utf8::CodePoint point = utf8::decode(text, i);
    const bool space = utf8::is_space(point.value);
    n_runs += space && !inside_space ? 1 : 0;
    inside_space = space;
    i += point.n_bytes;
  }
  return n_runs + 1;
}

}  // namespace nibble::eval::wikitext
