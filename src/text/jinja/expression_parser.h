/// The half of the parser that reads expressions.
///
/// Errors     as parser.h
/// Source     Jinja 3.1 parser: its precedence, filters and tests binding closest
#pragma once

#include "text/jinja/expressions.h"
#include "text/jinja/token_reader.h"

namespace nibble::text::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenReader& reader) : reader_(reader) {}

  /// "a if b else c" and everything that binds closer.
  ExpressionPtr expression();
  /// The same without "if": what stands behind "in" of a loop that has a condition.
  ExpressionPtr disjunction();
  /// Several behind commas are one list.
  ExpressionPtr expression_or_list();
  ArgumentNodes call_arguments();

 private:
  ExpressionPtr conjunction();
  ExpressionPtr inversion();
  ExpressionPtr comparison();
  ExpressionPtr sum();
  ExpressionPtr join();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool with_filters);
  ExpressionPtr primary();
  ExpressionPtr named_value();
  ExpressionPtr parenthesis();
  ExpressionPtr list();
  ExpressionPtr dictionary();
  ExpressionPtr postfix(ExpressionPtr of);
  ExpressionPtr subscript(ExpressionPtr of);
  ExpressionPtr filters(ExpressionPtr of);
  ExpressionPtr filter(ExpressionPtr of);
  ExpressionPtr test(ExpressionPtr of);
  ArgumentNodes test_arguments();

  TokenReader& reader_;
  int depth_ = 0;
};

}  // namespace nibble::text::jinja
