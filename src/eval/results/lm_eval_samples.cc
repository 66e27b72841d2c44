#include "eval/results/lm_eval_samples.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "eval/results/python_text.h"

namespace nibble::eval {
namespace {

using Ordered = nlohmann::ordered_json;

std::string dumped(const Ordered& value, int indent) {
  return value.dump(indent, ' ', false, Ordered::error_handler_t::replace);
}

Ordered arguments_of(const LoglikelihoodRequest& request) {
  return {{"arg_0", request.context}, {"arg_1", request.continuation}};
}
Ordered arguments_of(const RollingRequest& request) {
  return {{"arg_0", request.text}};
}
Ordered arguments_of(const WindowRequest& request) {
  return {{"arg_0", request.tokens}, {"arg_1", request.first_scored}};
}
Ordered arguments_of(const DivergenceRequest& request) {
  return {{"arg_0", request.tokens}, {"arg_1", request.first_row}};
}
/// Of a generation; an evidence request's prompt is token ids.
template <class Generating>
requires requires(const Generating& request) {
  request.max_tokens;
}
Ordered arguments_of(const Generating& request) {
  return {{"arg_0", request.prompt},
          {"arg_1",
           {{"until", request.stop},
            {"do_sample", false},
            {"temperature", 0.0},
            {"max_gen_toks", request.max_tokens}}}};
}

Ordered arguments(const std::vector<Request>& requests) {
  Ordered out = Ordered::object();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    out[fmt::format("gen_args_{}", i)] =
        std::visit([](const auto& request) { return arguments_of(request); }, requests[i]);
  }
  return out;
}

/// lm-eval hashes the first argument of the first request, which here may be token ids.
std::string prompt_of(const std::vector<Request>& requests) {
  if (requests.empty()) {
    return "";
  }
  const Ordered first =
      std::visit([](const auto& request) { return arguments_of(request); }, requests.front());
  const Ordered& prompt = first.at("arg_0");
  return prompt.is_string() ? prompt.get<std::string>() : dumped(prompt, -1);
}

std::string number_text(const Ordered& value) {
  return python_float(value.is_number() ? value.get<double>()
                                        : std::numeric_limits<double>::quiet_NaN());
}

/// One response, every part of it as text; a rolling log-likelihood is one text, not a pair.
Ordered response_text(const Request& request, const Ordered& response) {
  if (std::holds_alternative<GenerationRequest>(request) ||
      std::holds_alternative<EvidenceRequest>(request)) {
    return response;
  }
  const std::string value = number_text(response.at(0));
  if (std::holds_alternative<LoglikelihoodRequest>(request)) {
    return Ordered::array({value, python_bool(response.at(1).get<bool>())});
  }
  return value;
}

Ordered response_texts(const Sample& sample, std::string_view responses) {
  const Ordered parsed = Ordered::parse(responses, nullptr, false);
  if (!parsed.is_array() || parsed.size() != sample.requests.size()) {
    raise(ErrorCode::kCorruptData,
          "sample {}: stored responses '{}', wanted an array of {}",
          sample.id,
          responses.substr(0, 80),
          sample.requests.size());
  }
  Ordered out = Ordered::array();
  try {
    for (std::size_t i = 0; i < parsed.size(); ++i) {
      out.push_back(response_text(sample.requests[i], parsed[i]));
    }
  } catch (const Ordered::exception&) {
    raise(
        ErrorCode::kCorruptData, "sample {}: stored responses do not fit its requests", sample.id);
  }
  return out;
}

Ordered document_of(const Sample& sample) {
  if (sample.document.empty()) {
    return {{"id", sample.id}};
  }
  Ordered document = Ordered::parse(sample.document, nullptr, false);
  return document.is_discarded() ? Ordered{{"text", sample.document}} : document;
}

Ordered score(const SampleScores& scores, const MetricRow& metric) {
  const auto found = scores.find(metric.name);
  if (found == scores.end() || !found->second) {
    return {};
  }
  const Contribution& one = *found->second;
  if (metric.transform == Transform::kIdentity && one.weight == 1) {
    return one.sum;
  }
  const bool is_loss = metric.transform != Transform::kIdentity;
  return Ordered::array({is_loss ? -one.sum : one.sum, one.weight});
}

}  // namespace

LmEvalSample lm_eval_sample(const TaskInfo& info,
                            const Sample& sample,
                            std::string_view responses,
                            const SampleScores& scores) {
  const Ordered texts = response_texts(sample, responses);
  const std::string target = sample.label.empty() ? sample.target : sample.label;
  const Ordered document = document_of(sample);
  Ordered resps = Ordered::array();
  for (const Ordered& text : texts) {
    resps.push_back(Ordered::array({text}));
  }
  Ordered names = Ordered::array();
  for (const MetricRow& metric : info.metrics) {
    names.push_back(metric.name);
  }
  const std::array hashes = {
      sha256_hex(dumped(document, 2)), sha256_hex(prompt_of(sample.requests)), sha256_hex(target)};
  Ordered line = {{"doc_id", sample.index},
                  {"doc", document},
                  {"target", target},
                  {"arguments", arguments(sample.requests)},
                  {"resps", resps},
                  {"filtered_resps", texts},
                  {"filter", "none"},
                  {"metrics", names},
                  {"doc_hash", hashes[0]},
                  {"prompt_hash", hashes[1]},
                  {"target_hash", hashes[2]}};
  for (const MetricRow& metric : info.metrics) {
    line[metric.name] = score(scores, metric);
  }
  return {dumped(line, -1) + "\n", hashes[0] + hashes[1] + hashes[2]};
}

}  // namespace nibble::eval
