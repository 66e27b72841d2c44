#include "eval/request_lines.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/suggest.h"
#include "eval/tasks/data_file.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kDefaultMaxTokens = 64;

void refuse_unknown_keys(const Json& value, const Record& record) {
  static constexpr std::string_view kKnown[] = {
      "id", "context", "continuation", "rolling", "prompt", "max_tokens", "stop"};
  int n_kinds = 0;
  for (const auto& [key, unused] : value.items()) {
    if (std::ranges::find(kKnown, key) == std::ranges::end(kKnown)) {
      record.reject(fmt::format("unknown key '{}'{}", key, did_you_mean(key, kKnown)));
    }
    n_kinds += key == "continuation" || key == "rolling" || key == "prompt" ? 1 : 0;
  }
  if (n_kinds > 1) {
    record.reject("wanted one of 'continuation', 'rolling' and 'prompt'");
  }
  for (const auto& [key, kind] : {std::pair("context", "continuation"),
                                  std::pair("max_tokens", "prompt"),
                                  std::pair("stop", "prompt")}) {
    if (record.has(key) && !record.has(kind) && n_kinds > 0) {
      record.reject(fmt::format("'{}' goes with '{}' only", key, kind));
    }
  }
}

Request request_of(const Record& record) {
  if (record.has("continuation")) {
    return LoglikelihoodRequest{record.text("context"), record.text("continuation")};
  }
  if (record.has("rolling")) {
    return RollingRequest{record.text("rolling")};
  }
  if (!record.has("prompt")) {
    record.reject("wanted 'context' and 'continuation', or 'rolling', or 'prompt'");
  }
  GenerationRequest request{record.text("prompt"), kDefaultMaxTokens, {}};
  if (record.has("max_tokens")) {
    request.max_tokens = record.index("max_tokens");
  }
  if (record.has("stop")) {
    request.stop = record.text_or_texts("stop");
  }
  return request;
}

}  // namespace

Result<std::vector<RequestLine>> parse_request_lines(std::string_view text,
                                                     std::string_view where) {
  std::vector<RequestLine> lines;
  try {
    for_each_json_line(text, where, [&](Json&& value, std::size_t line) -> Result<void> {
      const auto id = value.is_object() ? value.find("id") : value.end();
      const bool has_id = value.is_object() && id != value.end();
      const Record record(value, fmt::format("{}:{}", where, line));
      if (value.is_object()) {
        refuse_unknown_keys(value, record);
      }
      lines.push_back({has_id ? dump_json(*id) : fmt::format("{}", line), request_of(record)});
      return {};
    }).take();
  } catch (const Error& error) {
    return error.failure();
  }
  if (lines.empty()) {
    return fail(ErrorCode::kCorruptData, "{}: no requests, wanted JSON lines", where);
  }
  return lines;
}

std::string response_line(const RequestLine& line, const Response& response) {
  Json out = {{"id", Json::parse(line.id)}};
  if (const auto* generation = std::get_if<GenerationResponse>(&response)) {
    out["text"] = generation->is_answered ? Json(generation->text) : Json();
    return dump_json(out) + "\n";
  }
  const auto& scored = std::get<LoglikelihoodResponse>(response);
  out["logprob"] = std::isfinite(scored.logprob) ? Json(scored.logprob) : Json();
  out["n_tokens"] = scored.n_tokens;
  if (std::holds_alternative<LoglikelihoodRequest>(line.request)) {
    out["greedy"] = scored.is_greedy;
  }
  return dump_json(out) + "\n";
}

}  // namespace nibble::eval
