#include "text/jinja/parser.h"

#include <algorithm>
#include <initializer_list>

#include "text/jinja/expression_parser.h"
#include "text/jinja/statements.h"

namespace nibble::text::jinja {
namespace {

constexpr int kMaxNesting = 60;

class Parser {
 public:
  Parser(const std::vector<Token>& tokens, std::string_view where)
      : reader_(tokens, where), expressions_(reader_) {}

  Block run() {
    Block out = block({});
    reader_.want(TokenKind::kEnd, "the end of the template");
    return out;
  }

 private:
  /// Up to a tag that begins with one of `ends`, which is left standing behind its "{%".
  Block block(std::initializer_list<std::string_view> ends) {
    if (++depth_ > kMaxNesting) {
      reader_.reject(fmt::format("statements nested deeper than {}", kMaxNesting));
    }
    Block out;
    while (!reader_.is(TokenKind::kEnd) && !is_end(ends)) {
      out.push_back(statement());
    }
    if (ends.size() > 0) {
      if (reader_.is(TokenKind::kEnd)) {
        reader_.reject(fmt::format("the template ends without '{}'", *(ends.end() - 1)));
      }
      reader_.next();  // "{%"
    }
    --depth_;
    return out;
  }

  [[nodiscard]] bool is_end(std::initializer_list<std::string_view> ends) const {
    return reader_.is(TokenKind::kBlockBegin) && reader_.peek(1).kind == TokenKind::kName &&
           std::ranges::find(ends, reader_.peek(1).text) != ends.end();
  }

  void end_tag() { reader_.want(TokenKind::kBlockEnd, "'%}'"); }

  StatementPtr statement() {
    const Token& token = reader_.next();
    const std::size_t line = token.line;
    if (token.kind == TokenKind::kText) {
      return std::make_unique<TextStatement>(line, token.text);
    }
    if (token.kind == TokenKind::kPrintBegin) {
      ExpressionPtr value = expressions_.expression();
      reader_.want(TokenKind::kPrintEnd, "'}}'");
      return std::make_unique<Print>(line, std::move(value));
    }
    return tag(line, reader_.want_name());
  }

  StatementPtr tag(std::size_t line, const std::string& name) {
    if (name == "if") {
      return if_tag(line);
    }
    if (name == "for") {
      return for_tag(line);
    }
    if (name == "set") {
      return set_tag(line);
    }
    if (name == "macro") {
      return macro_tag(line);
    }
    if (name == "break" || name == "continue") {
      end_tag();
      return std::make_unique<Jump>(line, name == "break" ? Flow::kBreak : Flow::kContinue);
    }
    if (name == "do") {
      ExpressionPtr value = expressions_.expression();
      end_tag();
      return std::make_unique<Do>(line, std::move(value));
    }
    if (name == "generation") {
      end_tag();
      Block body = block({"endgeneration"});
      reader_.next();
      end_tag();
      return std::make_unique<Group>(line, std::move(body));
    }
    reader_.reject(fmt::format("the tag '{}' is not handled", name));
  }

  StatementPtr if_tag(std::size_t line) {
    std::vector<If::Branch> branches;
    ExpressionPtr condition = expressions_.expression();
    while (true) {
      end_tag();
      const bool is_else = !condition;
      Block body = is_else ? block({"endif"}) : block({"elif", "else", "endif"});
      branches.emplace_back(std::move(condition), std::move(body));
      if (reader_.take_name("elif")) {
        condition = expressions_.expression();
      } else if (reader_.take_name("else")) {
        condition = nullptr;
      } else {
        reader_.next();  // "endif"
        end_tag();
        return std::make_unique<If>(line, std::move(branches));
      }
    }
  }

  StatementPtr for_tag(std::size_t line) {
    ForParts parts;
    parts.targets = targets();
    if (!reader_.take_name("in")) {
      reader_.reject("'for' without 'in'");
    }
    parts.items = expressions_.disjunction();
    if (reader_.take_name("if")) {
      parts.condition = expressions_.expression();
    }
    end_tag();
    parts.body = block({"else", "endfor"});
    if (reader_.take_name("else")) {
      end_tag();
      parts.otherwise = block({"endfor"});
    }
    reader_.next();  // "endfor"
    end_tag();
    return std::make_unique<For>(line, std::move(parts));
  }

  /// "a", "a, b" or "(a, b)".
  std::vector<std::string> targets() {
    std::vector<std::string> out;
    const bool is_closed = reader_.take_operator("(");
    do {
      out.push_back(reader_.want_name());
    } while (reader_.take_operator(","));
    if (is_closed) {
      reader_.want_operator(")");
    }
    return out;
  }

  StatementPtr set_tag(std::size_t line) {
    std::vector<std::string> names = targets();
    if (names.size() == 1 && reader_.take_operator(".")) {
      names.front().append(".").append(reader_.want_name());
    }
    if (reader_.take_operator("=")) {
      ExpressionPtr value = expressions_.expression_or_list();
      end_tag();
      return std::make_unique<Set>(line, std::move(names), std::move(value));
    }
    end_tag();
    Block body = block({"endset"});
    reader_.next();
    end_tag();
    if (names.size() != 1) {
      reader_.reject("one name for the text of a 'set'");
    }
    return std::make_unique<SetBlock>(line, std::move(names.front()), std::move(body));
  }

  StatementPtr macro_tag(std::size_t line) {
    MacroNode macro;
    macro.name = reader_.want_name();
    reader_.want_operator("(");
    while (!reader_.is_operator(")")) {
      std::string name = reader_.want_name();
      macro.parameters.emplace_back(
          std::move(name), reader_.take_operator("=") ? expressions_.expression() : nullptr);
      if (!reader_.take_operator(",")) {
        break;
      }
    }
    reader_.want_operator(")");
    end_tag();
    macro.body = block({"endmacro"});
    reader_.next();
    end_tag();
    return std::make_unique<MacroStatement>(line, std::move(macro));
  }

  TokenReader reader_;
  ExpressionParser expressions_;
  int depth_ = 0;
};

}  // namespace

Block parse(const std::vector<Token>& tokens, std::string_view where) {
  return Parser(tokens, where).run();
}

}  // namespace nibble::text::jinja
