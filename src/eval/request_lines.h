/// Requests and answers as JSON lines, for programs that bring their own prompts.
///
///   {"id", "context", "continuation"}    ->  {"id", "logprob", "greedy", "n_tokens"}
///   {"id", "rolling"}                    ->  {"id", "logprob", "n_tokens"}
///   {"id", "prompt", "max_tokens"?, "stop"?}  ->  {"id", "text"}
///
/// `id` is any JSON value and is given back as it came; without one it is the line number. "stop"
/// is a text or a list of texts. A log-probability that is not a number is null.
///
/// Errors     kCorruptData "where:LINE: what was wanted"; kInvalidArgument for no requests at all
/// Source     our own
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "eval/request.h"

namespace nibble::eval {

struct RequestLine {
  std::string id;  ///< JSON text
  Request request;
};

Result<std::vector<RequestLine>> parse_request_lines(std::string_view text, std::string_view where);

/// One line with its "\n".
std::string response_line(const RequestLine& line, const Response& response);

}  // namespace nibble::eval
