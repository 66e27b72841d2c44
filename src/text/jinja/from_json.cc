#include "text/jinja/from_json.h"

#include <nlohmann/json.hpp>

#include "base/ordered_json.h"

namespace nibble::text::jinja {

Value value_of(const nlohmann::ordered_json& json) {
  switch (json.type()) {
    case nlohmann::ordered_json::value_t::string:
      return json.get<std::string>();
    case nlohmann::ordered_json::value_t::boolean:
      return json.get<bool>();
    case nlohmann::ordered_json::value_t::number_integer:
      return json.get<std::int64_t>();
    case nlohmann::ordered_json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
        raise(ErrorCode::kCorruptData, "the whole number {} has more than 64 bits", json.dump());
      }
      return json.get<std::int64_t>();
    case nlohmann::ordered_json::value_t::number_float:
      return json.get<double>();
    case nlohmann::ordered_json::value_t::array: {
      List items;
      for (const auto& item : json) {
        items.push_back(value_of(item));
      }
      return items;
    }
    case nlohmann::ordered_json::value_t::object: {
      std::vector<Entry> entries;
      for (const auto& [key, item] : json.items()) {
        entries.emplace_back(key, value_of(item));
      }
      return entries;
    }
    default:
      return {};
  }
}

namespace {

nlohmann::ordered_json json_of(const Value& value) {
  if (const auto* list = value.list()) {
    auto out = nlohmann::ordered_json::array();
    for (const Value& item : *list) {
      out.push_back(json_of(item));
    }
    return out;
  }
  if (const auto* dict = value.dict()) {
    auto out = nlohmann::ordered_json::object();
    for (const auto& [key, item] : dict->entries) {
      out[key] = json_of(item);
    }
    return out;
  }
  if (const auto* text = value.get<std::string>()) {
    return *text;
  }
  if (const auto* truth = value.get<bool>()) {
    return *truth;
  }
  if (const auto* whole = value.get<std::int64_t>()) {
    return *whole;
  }
  const auto* number = value.get<double>();
  return number != nullptr ? nlohmann::ordered_json(*number) : nlohmann::ordered_json();
}

}  // namespace

std::string json_text(const Value& value) {
  return json_of(value).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<Value> parse_json_value(std::string_view text, std::string_view where) {
  const auto json = parse_ordered_json(text, where);
  if (!json) {
    return json.failure();
  }
  try {
    return value_of(*json);
  } catch (const Error& error) {
    return error.failure().within(where);
  }
}

}  // namespace nibble::text::jinja
