#include "text/jinja/expression_parser.h"

#include <charconv>

namespace nibble::text::jinja {
namespace {

constexpr int kMaxNesting = 60;
constexpr int kMaxChain = 200;

/// Counts the operators of one chain, whose tree is as deep as it is long.
class Chain {
 public:
  explicit Chain(const TokenReader& reader) : reader_(reader) {}
  void add() {
    if (++n_ > kMaxChain) {
      reader_.reject(fmt::format("more than {} operators in a row", kMaxChain));
    }
  }

 private:
  const TokenReader& reader_;
  int n_ = 0;
};

std::optional<Comparison> comparison_of(const TokenReader& reader) {
  static constexpr std::pair<std::string_view, Comparison> kOperators[] = {
      {"==", Comparison::kEqual},
      {"!=", Comparison::kNotEqual},
      {"<", Comparison::kLess},
      {"<=", Comparison::kLessEqual},
      {">", Comparison::kGreater},
      {">=", Comparison::kGreaterEqual}};
  for (const auto& [text, comparison] : kOperators) {
    if (reader.is_operator(text)) {
      return comparison;
    }
  }
  if (reader.is_name("in")) {
    return Comparison::kIn;
  }
  return reader.is_name("not") && reader.is_name("in", 1) ? std::optional(Comparison::kNotIn)
                                                          : std::nullopt;
}

template <class T>
Value number_of(const Token& token, const TokenReader& reader) {
  T value{};
  const char* end = token.text.data() + token.text.size();
  const auto [read, error] = std::from_chars(token.text.data(), end, value);
  if (error != std::errc() || read != end) {
    reader.reject(fmt::format("'{}' is out of range", token.text));
  }
  return value;
}

}  // namespace

ExpressionPtr ExpressionParser::expression() {
  if (++depth_ > kMaxNesting) {
    reader_.reject(fmt::format("expressions nested deeper than {}", kMaxNesting));
  }
  ExpressionPtr out = disjunction();
  Chain chain(reader_);
  while (reader_.take_name("if")) {
    chain.add();
    ExpressionPtr condition = disjunction();
    ExpressionPtr otherwise = reader_.take_name("else") ? expression() : nullptr;
    out = std::make_unique<Conditional>(std::move(condition), std::move(out), std::move(otherwise));
  }
  --depth_;
  return out;
}

ExpressionPtr ExpressionParser::expression_or_list() {
  std::vector<ExpressionPtr> items;
  do {
    items.push_back(expression());
  } while (reader_.take_operator(","));
  return items.size() == 1 ? std::move(items.front())
                           : std::make_unique<ListNode>(std::move(items));
}

ExpressionPtr ExpressionParser::disjunction() {
  ExpressionPtr out = conjunction();
  Chain chain(reader_);
  while (reader_.take_name("or")) {
    chain.add();
    out = std::make_unique<AndOr>(false, std::move(out), conjunction());
  }
  return out;
}

ExpressionPtr ExpressionParser::conjunction() {
  ExpressionPtr out = inversion();
  Chain chain(reader_);
  while (reader_.take_name("and")) {
    chain.add();
    out = std::make_unique<AndOr>(true, std::move(out), inversion());
  }
  return out;
}

ExpressionPtr ExpressionParser::inversion() {
  int n = 0;
  Chain chain(reader_);
  while (reader_.take_name("not")) {
    chain.add();
    ++n;
  }
  ExpressionPtr out = comparison();
  for (; n > 0; --n) {
    out = std::make_unique<Not>(std::move(out));
  }
  return out;
}

ExpressionPtr ExpressionParser::comparison() {
  ExpressionPtr first = sum();
  std::vector<Compare::Link> links;
  while (const auto comparison = comparison_of(reader_)) {
    reader_.next();
    if (*comparison == Comparison::kNotIn) {
      reader_.next();
    }
    links.emplace_back(*comparison, sum());
  }
  return links.empty() ? std::move(first)
                       : std::make_unique<Compare>(std::move(first), std::move(links));
}

ExpressionPtr ExpressionParser::sum() {
  ExpressionPtr out = join();
  Chain chain(reader_);
  while (reader_.is_operator("+") || reader_.is_operator("-")) {
    chain.add();
    const auto operation =
        reader_.next().text == "+" ? BinaryOperator::kAdd : BinaryOperator::kSubtract;
    out = std::make_unique<Binary>(operation, std::move(out), join());
  }
  return out;
}

ExpressionPtr ExpressionParser::join() {
  ExpressionPtr out = product();
  Chain chain(reader_);
  while (reader_.take_operator("~")) {
    chain.add();
    out = std::make_unique<Binary>(BinaryOperator::kJoin, std::move(out), product());
  }
  return out;
}

ExpressionPtr ExpressionParser::product() {
  static constexpr std::pair<std::string_view, BinaryOperator> kOperators[] = {
      {"*", BinaryOperator::kMultiply},
      {"/", BinaryOperator::kDivide},
      {"//", BinaryOperator::kFloorDivide},
      {"%", BinaryOperator::kModulo}};
  ExpressionPtr out = power();
  Chain chain(reader_);
  for (bool found = true; found;) {
    found = false;
    for (const auto& [text, operation] : kOperators) {
      if (reader_.take_operator(text)) {
        chain.add();
        out = std::make_unique<Binary>(operation, std::move(out), power());
        found = true;
      }
    }
  }
  return out;
}

ExpressionPtr ExpressionParser::power() {
  ExpressionPtr out = unary(true);
  Chain chain(reader_);
  while (reader_.take_operator("**")) {
    chain.add();
    out = std::make_unique<Binary>(BinaryOperator::kPower, std::move(out), unary(true));
  }
  return out;
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  if (++depth_ > kMaxNesting) {
    reader_.reject(fmt::format("expressions nested deeper than {}", kMaxNesting));
  }
  ExpressionPtr out;
  if (reader_.take_operator("-")) {
    out = std::make_unique<Negation>(unary(false));
  } else {
    out = reader_.take_operator("+") ? unary(false) : postfix(primary());
  }
  --depth_;
  return with_filters ? filters(std::move(out)) : std::move(out);
}

ExpressionPtr ExpressionParser::primary() {
  const Token& token = reader_.peek();
  switch (token.kind) {
    case TokenKind::kName:
      return named_value();
    case TokenKind::kString: {
      std::string text;
      while (reader_.is(TokenKind::kString)) {  // texts side by side are one
        text += reader_.next().text;
      }
      return std::make_unique<Literal>(std::move(text));
    }
    case TokenKind::kWhole:
      return std::make_unique<Literal>(number_of<std::int64_t>(reader_.next(), reader_));
    case TokenKind::kNumber:
      return std::make_unique<Literal>(number_of<double>(reader_.next(), reader_));
    default:
      break;
  }
  if (reader_.take_operator("(")) {
    return parenthesis();
  }
  if (reader_.take_operator("[")) {
    return list();
  }
  if (reader_.take_operator("{")) {
    return dictionary();
  }
  reader_.reject(token.text.empty() ? std::string("a value is missing")
                                    : fmt::format("'{}' is not expected here", token.text));
}

ExpressionPtr ExpressionParser::named_value() {
  const std::string name = reader_.next().text;
  if (name == "true" || name == "True" || name == "false" || name == "False") {
    return std::make_unique<Literal>(Value(name == "true" || name == "True"));
  }
  if (name == "none" || name == "None") {
    return std::make_unique<Literal>(Value());
  }
  return std::make_unique<Name>(name);
}

/// "(a)" is a; "()", "(a,)" and "(a, b)" are lists.
ExpressionPtr ExpressionParser::parenthesis() {
  std::vector<ExpressionPtr> items;
  bool is_list = false;
  while (!reader_.is_operator(")")) {
    items.push_back(expression());
    if (!reader_.take_operator(",")) {
      break;
    }
    is_list = true;
  }
  reader_.want_operator(")");
  return items.size() == 1 && !is_list ? std::move(items.front())
                                       : std::make_unique<ListNode>(std::move(items));
}

ExpressionPtr ExpressionParser::list() {
  std::vector<ExpressionPtr> items;
  while (!reader_.is_operator("]")) {
    items.push_back(expression());
    if (!reader_.take_operator(",")) {
      break;
    }
  }
  reader_.want_operator("]");
  return std::make_unique<ListNode>(std::move(items));
}

ExpressionPtr ExpressionParser::dictionary() {
  std::vector<DictNode::Pair> pairs;
  while (!reader_.is_operator("}")) {
    ExpressionPtr key = expression();
    reader_.want_operator(":");
    pairs.emplace_back(std::move(key), expression());
    if (!reader_.take_operator(",")) {
      break;
    }
  }
  reader_.want_operator("}");
  return std::make_unique<DictNode>(std::move(pairs));
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr of) {
  Chain chain(reader_);
  while (true) {
    chain.add();
    if (reader_.take_operator(".")) {
      if (reader_.is(TokenKind::kWhole)) {
        of = std::make_unique<Element>(
            std::move(of),
            std::make_unique<Literal>(number_of<std::int64_t>(reader_.next(), reader_)));
      } else {
        of = std::make_unique<Member>(std::move(of), reader_.want_name());
      }
    } else if (reader_.take_operator("[")) {
      of = subscript(std::move(of));
    } else if (reader_.is_operator("(")) {
      of = std::make_unique<Call>(std::move(of), call_arguments());
    } else {
      return of;
    }
  }
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr of) {
  SliceNode::Bounds bounds;
  std::size_t n_colons = 0;
  while (!reader_.is_operator("]")) {
    if (reader_.take_operator(":")) {
      if (++n_colons > 2) {
        reader_.reject("a slice has at most two ':'");
      }
    } else {
      bounds.at(n_colons) = expression();
    }
  }
  reader_.want_operator("]");
  if (n_colons > 0) {
    return std::make_unique<SliceNode>(std::move(of), std::move(bounds));
  }
  if (!bounds[0]) {
    reader_.reject("'[]' without an index");
  }
  return std::make_unique<Element>(std::move(of), std::move(bounds[0]));
}

ArgumentNodes ExpressionParser::call_arguments() {
  ArgumentNodes out;
  reader_.want_operator("(");
  while (!reader_.is_operator(")")) {
    if (reader_.is(TokenKind::kName) && reader_.is_operator("=", 1)) {
      std::string name = reader_.want_name();
      reader_.want_operator("=");
      out.named.emplace_back(std::move(name), expression());
    } else {
      out.positional.push_back(expression());
    }
    if (!reader_.take_operator(",")) {
      break;
    }
  }
  reader_.want_operator(")");
  return out;
}

ExpressionPtr ExpressionParser::filters(ExpressionPtr of) {
  Chain chain(reader_);
  while (true) {
    chain.add();
    if (reader_.take_operator("|")) {
      of = filter(std::move(of));
    } else if (reader_.take_name("is")) {
      of = test(std::move(of));
    } else if (reader_.is_operator("(")) {
      of = std::make_unique<Call>(std::move(of), call_arguments());
    } else {
      return of;
    }
  }
}

ExpressionPtr ExpressionParser::filter(ExpressionPtr of) {
  const std::string name = reader_.want_name();
  ArgumentNodes arguments = reader_.is_operator("(") ? call_arguments() : ArgumentNodes();
  try {
    return std::make_unique<FilterCall>(std::move(of), find_filter(name), std::move(arguments));
  } catch (const Error& error) {
    reader_.reject(error.what());
  }
}

ExpressionPtr ExpressionParser::test(ExpressionPtr of) {
  const bool is_negated = reader_.take_name("not");
  const std::string name = reader_.want_name();
  ArgumentNodes arguments = test_arguments();
  ExpressionPtr out;
  try {
    out = std::make_unique<TestCall>(std::move(of), find_test(name), std::move(arguments));
  } catch (const Error& error) {
    reader_.reject(error.what());
  }
  return is_negated ? std::make_unique<Not>(std::move(out)) : std::move(out);
}

/// "is divisibleby(3)" or "is divisibleby 3".
ArgumentNodes ExpressionParser::test_arguments() {
  ArgumentNodes out;
  if (reader_.is_operator("(")) {
    return call_arguments();
  }
  const Token& token = reader_.peek();
  const bool is_word = token.kind == TokenKind::kName && token.text != "else" &&
                       token.text != "or" && token.text != "and" && token.text != "if" &&
                       token.text != "is" && token.text != "in" && token.text != "not";
  const bool is_value = token.kind == TokenKind::kString || token.kind == TokenKind::kWhole ||
                        token.kind == TokenKind::kNumber || reader_.is_operator("[") ||
                        reader_.is_operator("{");
  if (is_word || is_value) {
    out.positional.push_back(postfix(primary()));
  }
  return out;
}

}  // namespace nibble::text::jinja
