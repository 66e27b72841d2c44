#include "eval/request_lines.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "eval/tasks/data_file.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kDefaultMaxTokens = 64;

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
      lines.push_back({has_id ? dump_json(*id) : fmt::format("{}", line),
                       request_of(Record(value, fmt::format("{}:{}", where, line)))});
      return {};
    }).take();
  } catch (const Error& error) {
    return error.failure();
  }
  if (lines.empty()) {
    return fail(ErrorCode::kInvalidArgument, "{}: no requests, wanted JSON lines", where);
  }
  return lines;
}

std::string response_line(const RequestLine& line, const Response& response) {
  Json out = {{"id", Json::parse(line.id)}};
  if (const auto* generation = std::get_if<GenerationResponse>(&response)) {
    out["text"] = generation->text;
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
