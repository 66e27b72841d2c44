#include "eval/results/lm_eval_samples.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "eval/results/python_text.h"

namespace nibble::eval {
namespace {

using Ordered = nlohmann::ordered_json;

constexpr std::string_view kNoFilter = "none";
/// Of targets: lm-eval logs their log-likelihood as it is, without a weight.
constexpr std::string_view kPlainPerplexity = "perplexity";

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
/// lm-eval's, which its tasks do not name.
constexpr std::size_t kLmEvalMaxTokens = 256;

Ordered settings_of(const model::Sampling& sampling) {
  if (sampling.temperature <= 0) {
    return {{"do_sample", false}, {"temperature", 0.0}};
  }
  return {{"do_sample", true}, {"temperature", sampling.temperature}, {"top_p", sampling.top_p}};
}

Ordered arguments_of(const std::string& prompt,
                     const std::vector<std::string>& stop,
                     std::size_t max_tokens,
                     const model::Sampling& sampling) {
  Ordered settings = {{"until", stop}};
  settings.update(settings_of(sampling));
  if (max_tokens != kLmEvalMaxTokens) {
    settings["max_gen_toks"] = max_tokens;
  }
  return {{"arg_0", prompt}, {"arg_1", settings}};
}
Ordered arguments_of(const GenerationRequest& request) {
  return arguments_of(request.prompt, request.stop, request.max_tokens, request.sampling);
}
/// The prompt is token ids.
Ordered arguments_of(const EvidenceRequest& request) {
  Ordered out = arguments_of("", request.stop, request.max_tokens, {});
  out["arg_0"] = request.prompt;
  return out;
}

/// Of the first of every `n_repeats` requests, which ask the same.
Ordered arguments(const std::vector<Request>& requests, std::size_t n_repeats) {
  Ordered out = Ordered::object();
  for (std::size_t i = 0; i < requests.size(); i += n_repeats) {
    out[fmt::format("gen_args_{}", i / n_repeats)] =
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

bool is_generation(const Request& request) {
  return std::holds_alternative<GenerationRequest>(request) ||
         std::holds_alternative<EvidenceRequest>(request);
}

/// One response, every part of it as text; a rolling log-likelihood is one text, not a pair.
Ordered response_text(const Request& request, const Ordered& response) {
  if (is_generation(request)) {
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
  if (metric.name == kPlainPerplexity && one.weight == 1) {
    return -one.sum;
  }
  const bool is_loss = metric.transform != Transform::kIdentity;
  return Ordered::array({is_loss ? -one.sum : one.sum, one.weight});
}

std::string filter_name(const TaskInfo& info, std::size_t filter) {
  return filter < info.filters.size() ? info.filters[filter] : std::string(kNoFilter);
}

std::vector<MetricRow> metrics_of_filter(const TaskInfo& info, std::size_t filter) {
  std::vector<MetricRow> out;
  for (const MetricRow& metric : info.metrics) {
    if (metric_and_filter(info, metric.name).second == filter_name(info, filter)) {
      out.push_back(metric);
    }
  }
  return out;
}

/// The answers to each question as a list.
Ordered in_groups(const Ordered& texts, std::size_t n_repeats) {
  Ordered out = Ordered::array();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i % n_repeats == 0) {
      out.push_back(Ordered::array());
    }
    out.back().push_back(texts[i]);
  }
  return out;
}

/// A list of lists where a filter of lm-eval keeps the answers to a question together.
Ordered filtered_texts(const Task& task,
                       const Sample& sample,
                       const Ordered& texts,
                       std::size_t filter) {
  Ordered out = Ordered::array();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const bool is_text = is_generation(sample.requests[i]) && texts[i].is_string();
    out.push_back(is_text ? Ordered(task.filtered(filter, sample, texts[i].get<std::string>()))
                          : texts[i]);
  }
  return task.info().keeps_repeats ? in_groups(out, task.info().n_repeats) : out;
}

}  // namespace

std::size_t n_filters(const TaskInfo& info) {
  return std::max<std::size_t>(info.filters.size(), 1);
}

std::pair<std::string, std::string> metric_and_filter(const TaskInfo& info,
                                                      std::string_view metric) {
  const std::size_t comma = metric.find(',');
  if (comma != std::string_view::npos) {
    return {std::string(metric.substr(0, comma)), std::string(metric.substr(comma + 1))};
  }
  return {std::string(metric),
          info.filters.size() == 1 ? info.filters.front() : std::string(kNoFilter)};
}

LmEvalSample lm_eval_sample(const Task& task,
                            const Sample& sample,
                            std::string_view responses,
                            const SampleScores& scores,
                            std::size_t filter,
                            std::size_t first_index) {
  const TaskInfo& info = task.info();
  const Ordered texts = response_texts(sample, responses);
  const std::string target = sample.label.empty() ? sample.target : sample.label;
  const Ordered document = document_of(sample);
  const std::vector<MetricRow> metrics = metrics_of_filter(info, filter);
  Ordered names = Ordered::array();
  for (const MetricRow& metric : metrics) {
    names.push_back(metric_and_filter(info, metric.name).first);
  }
  const std::array hashes = {
      sha256_hex(dumped(document, 2)), sha256_hex(prompt_of(sample.requests)), sha256_hex(target)};
  Ordered line = {{"doc_id", sample.index - first_index},
                  {"doc", document},
                  {"target", target},
                  {"arguments", arguments(sample.requests, info.n_repeats)},
                  {"resps", in_groups(texts, info.n_repeats)},
                  {"filtered_resps", filtered_texts(task, sample, texts, filter)},
                  {"filter", filter_name(info, filter)},
                  {"metrics", names},
                  {"doc_hash", hashes[0]},
                  {"prompt_hash", hashes[1]},
                  {"target_hash", hashes[2]}};
  for (const MetricRow& metric : metrics) {
    line[metric_and_filter(info, metric.name).first] = score(scores, metric);
  }
  return {dumped(line, -1) + "\n", hashes[0] + hashes[1] + hashes[2]};
}

}  // namespace nibble::eval
