#include "base/json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/ordered_json.h"

namespace nibble {
namespace {

constexpr int kMaxDepth = 128;

/// "reason" out of the library's "[json.exception…] parse error at line 1, column 9: reason".
std::string_view reason_of(std::string_view what) {
  const auto colon = what.find(": ");
  return colon == std::string_view::npos ? what : what.substr(colon + 2);
}

std::pair<std::size_t, std::size_t> line_and_column(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1;
  const auto newline = before.rfind('\n');
  return {line, before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1};
}

Failure located(std::string_view text,
                std::string_view where,
                std::size_t first_line,
                const nlohmann::json::parse_error& error) {
  const auto [line, column] = line_and_column(text, error.byte > 0 ? error.byte - 1 : 0);
  return fail(ErrorCode::kCorruptData,
              "{}:{}:{}: {}",
              where,
              line + first_line - 1,
              column,
              reason_of(error.what()));
}

/// `AnyJson` is Json or OrderedJson.
template <class AnyJson>
Result<AnyJson> parse_at(std::string_view text, std::string_view where, std::size_t first_line) {
  try {
    const auto limit_depth = [](int depth, typename AnyJson::parse_event_t, AnyJson&) {
      if (depth > kMaxDepth) {
        throw Error({ErrorCode::kCorruptData, "nested too deeply"});
      }
      return true;
    };
    return AnyJson::parse(text.begin(), text.end(), limit_depth);
  } catch (const Error& error) {
    return fail(ErrorCode::kCorruptData, "{}:{}: {}", where, first_line, error.what());
  } catch (const nlohmann::json::parse_error& error) {
    return located(text, where, first_line, error);
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::kCorruptData, "{}:{}: {}", where, first_line, reason_of(error.what()));
  }
}

template <class AnyJson>
Result<void> for_each_line(std::string_view text,
                           std::string_view where,
                           FunctionRef<Result<void>(AnyJson&&, std::size_t)> f) {
  std::size_t line = 0;
  while (!text.empty()) {
    ++line;
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (row.find_first_not_of(" \t\r") == std::string_view::npos) {
      continue;
    }
    auto value = parse_at<AnyJson>(row, where, line);
    if (!value) {
      return value.failure();
    }
    if (auto done = f(std::move(*value), line); !done) {
      return done;
    }
  }
  return {};
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where) {
  return parse_at<Json>(text, where, 1);
}

Result<OrderedJson> parse_ordered_json(std::string_view text, std::string_view where) {
  return parse_at<OrderedJson>(text, where, 1);
}

Result<void> for_each_json_line(std::string_view text,
                                std::string_view where,
                                FunctionRef<Result<void>(Json&&, std::size_t)> f) {
  return for_each_line<Json>(text, where, f);
}

Result<void> for_each_ordered_json_line(std::string_view text,
                                        std::string_view where,
                                        FunctionRef<Result<void>(OrderedJson&&, std::size_t)> f) {
  return for_each_line<OrderedJson>(text, where, f);
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json or_null(std::optional<double> value) {
  return value && std::isfinite(*value) ? Json(*value) : Json(nullptr);
}

Json or_null(std::optional<std::size_t> value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace nibble
