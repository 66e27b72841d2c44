#include "text/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"
#include "base/utf8.h"

namespace nibble::text::jinja {
namespace {

constexpr std::size_t kMaxSourceBytes = std::size_t{1} << 20;
constexpr auto kNone = std::string_view::npos;

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_part(char c) {
  return is_name_start(c) || is_digit(c);
}
bool is_ascii_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string with_plain_line_ends(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else if (i + 1 == source.size() || source[i + 1] != '\n') {
      out += '\n';
    }
  }
  return out;
}

class Lexer {
 public:
  Lexer(std::string_view source, const Syntax& syntax, std::string_view where)
      : source_(source), syntax_(syntax), where_(where) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      const std::size_t tag = next_tag(at_);
      take_text(tag);
      if (tag < source_.size()) {
        take_tag();
      }
    }
    add(TokenKind::kEnd, {});
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void reject(std::string_view reason) const {
    raise(ErrorCode::kCorruptData, "{}:{}: {}", where_, line_, reason);
  }
  void add(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }
  [[nodiscard]] char peek(std::size_t offset = 0) const {
    return at_ + offset < source_.size() ? source_[at_ + offset] : '\0';
  }
  void advance(std::size_t n) {
    const std::string_view passed = source_.substr(at_, n);
    line_ += static_cast<std::size_t>(std::ranges::count(passed, '\n'));
    at_ += passed.size();
  }

  [[nodiscard]] std::size_t next_tag(std::size_t from) const {
    for (std::size_t i = source_.find('{', from); i != kNone; i = source_.find('{', i + 1)) {
      const char next = i + 1 < source_.size() ? source_[i + 1] : '\0';
      if (next == '{' || next == '%' || next == '#') {
        return i;
      }
    }
    return source_.size();
  }

  /// Text up to the tag at `end`, less what the tags around it take away.
  void take_text(std::size_t end) {
    std::string_view text = source_.substr(at_, end - at_);
    if (strip_next_) {
      text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t\n\v\f\r")));
    } else if (trim_next_ && text.starts_with('\n')) {
      text.remove_prefix(1);
    }
    const bool begins_line = !has_text_before_on_line(end);
    strip_next_ = trim_next_ = false;
    const char sign = end + 2 < source_.size() ? source_[end + 2] : '\0';
    const bool is_print = end + 1 < source_.size() && source_[end + 1] == '{';
    if (end < source_.size() && sign == '-') {
      text = text.substr(0, text.find_last_not_of(" \t\n\v\f\r") + 1);
    } else if (end < source_.size() && syntax_.lstrip_blocks && !is_print && sign != '+' &&
               begins_line) {
      text = text.substr(0, text.find_last_not_of(" \t\v\f\r") + 1);
    }
    if (!text.empty()) {
      add(TokenKind::kText, std::string(text));
    }
    advance(end - at_);
  }

  /// Whether something other than blanks stands before `end` on its line.
  [[nodiscard]] bool has_text_before_on_line(std::size_t end) const {
    for (std::size_t i = end; i > 0 && source_[i - 1] != '\n'; --i) {
      if (!is_ascii_space(source_[i - 1])) {
        return true;
      }
    }
    return false;
  }

  void take_tag() {
    const char kind = peek(1);
    if (kind == '#') {
      take_comment();
      return;
    }
    const bool is_print = kind == '{';
    advance(2);
    if (peek() == '-' || peek() == '+') {
      advance(1);
    }
    if (!is_print && take_raw()) {
      return;
    }
    add(is_print ? TokenKind::kPrintBegin : TokenKind::kBlockBegin, {});
    while (!take_tag_end(is_print)) {
      take_inner();
    }
    add(is_print ? TokenKind::kPrintEnd : TokenKind::kBlockEnd, {});
  }

  void take_comment() {
    const std::size_t end = source_.find("#}", at_ + 2);
    if (end == kNone) {
      reject("a comment without its end, wanted '#}'");
    }
    set_next(end > at_ + 2 ? source_[end - 1] : '\0', false);
    advance(end + 2 - at_);
  }

  void set_next(char sign, bool is_print) {
    strip_next_ = sign == '-';
    trim_next_ = !is_print && sign != '+' && sign != '-' && syntax_.trim_blocks;
  }

  bool take_tag_end(bool is_print) {
    while (is_ascii_space(peek())) {
      advance(1);
    }
    if (at_ >= source_.size()) {
      reject(is_print ? "'{{' without '}}'" : "'{%' without '%}'");
    }
    const std::string_view end = is_print ? "}}" : "%}";
    const char sign = peek();
    if ((sign == '-' || sign == '+') && source_.substr(at_ + 1).starts_with(end)) {
      set_next(sign, is_print);
      advance(3);
      return true;
    }
    // A dictionary may end right before the tag: "}}}" closes it first.
    if (n_open_braces_ == 0 && source_.substr(at_).starts_with(end)) {
      set_next('\0', is_print);
      advance(2);
      return true;
    }
    return false;
  }

  /// "{% raw %}…{% endraw %}": everything between is text. True when there was one.
  bool take_raw() {
    const std::size_t before = at_;
    const std::size_t end = raw_tag_end(at_, "raw");
    if (end == kNone) {
      return false;
    }
    for (std::size_t tag = source_.find("{%", end); tag != kNone;
         tag = source_.find("{%", tag + 2)) {
      const std::size_t inner =
          tag + 2 + (tag + 2 < source_.size() && source_[tag + 2] == '-' ? 1 : 0);
      const std::size_t close = raw_tag_end(inner, "endraw");
      if (close == kNone) {
        continue;
      }
      add(TokenKind::kText, std::string(source_.substr(end, tag - end)));
      advance(close - before);
      set_next('\0', false);
      return true;
    }
    reject("'{% raw %}' without '{% endraw %}'");
  }
  /// Behind "WORD %}" at `from`; npos where something else stands there.
  [[nodiscard]] std::size_t raw_tag_end(std::size_t from, std::string_view word) const {
    std::size_t i = std::min(source_.find_first_not_of(" \t\n", from), source_.size());
    if (!source_.substr(i).starts_with(word)) {
      return kNone;
    }
    i = std::min(source_.find_first_not_of(" \t\n", i + word.size()), source_.size());
    i += i < source_.size() && source_[i] == '-' ? 1 : 0;
    return source_.substr(i).starts_with("%}") ? i + 2 : kNone;
  }

  void take_inner() {
    const char c = peek();
    if (is_name_start(c)) {
      take_while(TokenKind::kName, is_name_part);
    } else if (is_digit(c)) {
      take_number();
    } else if (c == '"' || c == '\'') {
      take_string(c);
    } else {
      take_operator();
    }
  }

  void take_while(TokenKind kind, bool (*belongs)(char)) {
    std::size_t n = 0;
    while (at_ + n < source_.size() && belongs(source_[at_ + n])) {
      ++n;
    }
    add(kind, std::string(source_.substr(at_, n)));
    advance(n);
  }

  void take_number() {
    std::size_t n = 0;
    bool is_whole = true;
    const auto digits = [&] {
      while (is_digit(peek(n)) || (peek(n) == '_' && is_digit(peek(n + 1)))) {
        ++n;
      }
    };
    digits();
    if (peek(n) == '.' && is_digit(peek(n + 1))) {
      is_whole = false;
      ++n;
      digits();
    }
    if ((peek(n) == 'e' || peek(n) == 'E') &&
        (is_digit(peek(n + 1)) ||
         ((peek(n + 1) == '-' || peek(n + 1) == '+') && is_digit(peek(n + 2))))) {
      is_whole = false;
      n += 2;
      digits();
    }
    std::string text(source_.substr(at_, n));
    std::erase(text, '_');
    add(is_whole ? TokenKind::kWhole : TokenKind::kNumber, std::move(text));
    advance(n);
  }

  void take_string(char quote) {
    std::string text;
    advance(1);
    while (peek() != quote) {
      if (at_ >= source_.size()) {
        reject(fmt::format("a text without its end, wanted {}", quote));
      }
      if (peek() == '\\') {
        advance(1);
        take_escape(text);
      } else {
        text += peek();
        advance(1);
      }
    }
    advance(1);
    add(TokenKind::kString, std::move(text));
  }

  void take_escape(std::string& text) {
    static constexpr std::string_view kCodes = "ntr\\'\"abfv0";
    static constexpr std::string_view kMeanings("\n\t\r\\'\"\a\b\f\v\0", 11);
    const char c = peek();
    advance(1);
    if (c == 'x' || c == 'u' || c == 'U') {
      take_code_point(text, c == 'x' ? 2 : (c == 'u' ? 4 : 8));
      return;
    }
    const std::size_t known = kCodes.find(c);
    if (c == '\n') {  // a line goes on
      return;
    }
    if (known == kNone) {  // as Python: both stay
      text += '\\';
      text += c;
      return;
    }
    text += kMeanings[known];
  }

  void take_code_point(std::string& text, std::size_t n_digits) {
    std::uint32_t code = 0;
    const std::string_view digits = source_.substr(at_, n_digits);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (error != std::errc() || end != digits.data() + n_digits || code > 0x10FFFF) {
      reject(fmt::format("an escape wants {} hexadecimal digits", n_digits));
    }
    utf8::append(text, static_cast<char32_t>(code));
    advance(n_digits);
  }

  void take_operator() {
    static constexpr std::array<std::string_view, 6> kDouble = {"==", "!=", "<=", ">=", "//", "**"};
    static constexpr std::string_view kSingle = "+-*/%~<>=()[]{}.,:|";
    const std::string_view rest = source_.substr(at_);
    const auto* found =
        std::ranges::find_if(kDouble, [&](std::string_view one) { return rest.starts_with(one); });
    if (found != kDouble.end()) {
      add(TokenKind::kOperator, std::string(*found));
      advance(2);
      return;
    }
    const char c = peek();
    if (kSingle.find(c) == kNone) {
      reject(fmt::format("'{}' is not expected in a tag", c));
    }
    n_open_braces_ += c == '{' ? 1 : (c == '}' && n_open_braces_ > 0 ? -1 : 0);
    add(TokenKind::kOperator, std::string(1, c));
    advance(1);
  }

  std::string_view source_;
  const Syntax& syntax_;
  std::string_view where_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  int n_open_braces_ = 0;
  bool strip_next_ = false;
  bool trim_next_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> lex(std::string_view source, const Syntax& syntax, std::string_view where) {
  if (source.size() > kMaxSourceBytes) {
    raise(ErrorCode::kCorruptData,
          "{}: a template of {} bytes, at most {} are read",
          where,
          source.size(),
          kMaxSourceBytes);
  }
  std::string plain = with_plain_line_ends(source);
  if (!syntax.keep_trailing_newline && plain.ends_with('\n')) {
    plain.pop_back();
  }
  return Lexer(plain, syntax, where).run();
}

}  // namespace nibble::text::jinja
