#include "eval/code/humaneval.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/error.h"
#include "base/hash.h"
#include "eval/code/sandbox.h"
#include "eval/metrics/pass_at_k.h"
#include "eval/tasks/data_file.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kMaxTokens = 1024;
constexpr double kUsualTemperature = 0.2;
constexpr double kUsualTopP = 0.95;

struct Problem {
  std::string id, prompt, tests, entry_point, document;
};

/// What is asked, all defaults filled in.
struct Asked {
  std::size_t n_samples = 1;
  std::vector<std::size_t> ks;
  model::Sampling sampling;
  std::size_t max_tokens = kMaxTokens;
};

std::string metric_name(std::size_t k) {
  return fmt::format("pass@{}", k);
}

/// A seed for one completion of one problem.
std::uint64_t seed_of(std::uint64_t seed, std::string_view problem, std::size_t number) {
  constexpr std::size_t kDigits = 16;
  constexpr int kBase = 16;
  const std::string hash = Sha256()
                               .field("completion")
                               .field(fmt::format("{}", seed))
                               .field(problem)
                               .field(fmt::format("{}", number))
                               .hex();
  std::uint64_t out = 0;
  std::from_chars(hash.data(), hash.data() + kDigits, out, kBase);
  return out;
}

class HumanEvalTask final : public Task {
 public:
  HumanEvalTask(TaskInfo info, std::vector<Problem> problems, Asked asked)
      : info_(std::move(info)), problems_(std::move(problems)), asked_(std::move(asked)) {}

  [[nodiscard]] const TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return problems_.size(); }

  [[nodiscard]] Sample sample(std::size_t index) const override {
    const Problem& problem = problems_.at(index);
    Sample sample;
    sample.id = problem.id;
    sample.index = index;
    sample.prompt = problem.prompt;
    sample.target = tests_of(problem);
    sample.document = problem.document;
    for (std::size_t i = 0; i < asked_.n_samples; ++i) {
      GenerationRequest request{
          problem.prompt, asked_.max_tokens, {"\nclass", "\ndef", "\n#", "\nif", "\nprint"}};
      request.sampling = asked_.sampling;
      request.sampling.seed = seed_of(asked_.sampling.seed, problem.id, i);
      sample.requests.emplace_back(std::move(request));
    }
    return sample;
  }

  [[nodiscard]] SampleResult score(const Sample& sample,
                                   std::span<const Response> responses) const override {
    SampleResult result;
    const auto& first = std::get<GenerationResponse>(responses.front());
    result.answer = first.text;
    const auto n_passed = count_passed(problems_.at(sample.index), responses);
    for (const std::size_t k : asked_.ks) {
      result.scores[metric_name(k)] =
          n_passed ? std::optional(Contribution{pass_at_k(responses.size(), *n_passed, k), 1})
                   : std::nullopt;
    }
    if (n_passed && responses.size() > 1) {
      result.answer =
          fmt::format("{} of {} pass; the first:\n{}", *n_passed, responses.size(), first.text);
    }
    return result;
  }

  [[nodiscard]] std::string filtered(std::size_t /*filter*/,
                                     const Sample& sample,
                                     std::string text) const override {
    return sample.prompt + text;
  }

 private:
  static std::string tests_of(const Problem& problem) {
    return fmt::format("{}\ncheck({})", problem.tests, problem.entry_point);
  }

  /// nullopt where one was not answered. Equal completions run once.
  static std::optional<std::size_t> count_passed(const Problem& problem,
                                                 std::span<const Response> responses) {
    std::map<std::string_view, bool> known;
    std::size_t n = 0;
    for (const Response& response : responses) {
      const auto& generated = std::get<GenerationResponse>(response);
      if (!generated.is_answered) {
        return std::nullopt;
      }
      auto [entry, is_new] = known.try_emplace(generated.text, false);
      if (is_new) {
        entry->second = run_in_sandbox(problem.prompt + generated.text + "\n" +
                                       tests_of(problem)) == CodeVerdict::kPassed;
      }
      n += entry->second ? 1 : 0;
    }
    return n;
  }

  TaskInfo info_;
  std::vector<Problem> problems_;
  Asked asked_;
};

void check_sampling(const CodeSampling& sampling, const Asked& asked) {
  const auto& [temperature, top_p, seed] = asked.sampling;
  if (asked.n_samples > 1 && temperature <= 0) {
    raise(ErrorCode::kInvalidArgument,
          "{} completions at temperature 0 are all the same; wanted a temperature above 0",
          asked.n_samples);
  }
  if (!(temperature >= 0) || !(top_p > 0 && top_p <= 1)) {
    raise(ErrorCode::kInvalidArgument,
          "temperature {} and top-p {}, wanted at least 0, and above 0 to 1",
          temperature,
          top_p);
  }
  for (const std::size_t k : sampling.ks) {
    if (k < 1 || k > asked.n_samples) {
      raise(ErrorCode::kInvalidArgument,
            "pass@{} of {} completions of each problem; wanted at least as many completions as k",
            k,
            asked.n_samples);
    }
  }
}

Asked asked_of(const TaskOptions& options, const CodeSampling& sampling) {
  const bool is_drawn = sampling.n_samples > 1 || sampling.temperature.value_or(0) > 0;
  Asked out{sampling.n_samples, sampling.ks, {}, kMaxTokens};
  out.sampling = {sampling.temperature.value_or(is_drawn ? kUsualTemperature : 0),
                  sampling.top_p.value_or(is_drawn ? kUsualTopP : 1),
                  sampling.seed};
  check_sampling(sampling, out);
  std::ranges::sort(out.ks);
  out.ks.erase(std::unique(out.ks.begin(), out.ks.end()), out.ks.end());
  if (out.ks.empty()) {
    out.ks = out.n_samples > 1 ? std::vector<std::size_t>{1, out.n_samples}
                               : std::vector<std::size_t>{1};
  }
  if (options.max_answer > 0) {
    out.max_tokens = std::min(options.max_answer, kMaxTokens);
  }
  return out;
}

std::string protocol_of(const Asked& asked) {
  const std::string how = asked.sampling.temperature > 0
                              ? fmt::format("{} drawn at temperature {}, top-p {}, seed {}",
                                            asked.n_samples,
                                            asked.sampling.temperature,
                                            asked.sampling.top_p,
                                            asked.sampling.seed)
                              : "greedy";
  return fmt::format("0-shot, {}, at most {} tokens, tests in a sandbox", how, asked.max_tokens);
}

}  // namespace

void check_code_allowed(bool is_allowed, std::string_view how) {
  if (!is_allowed) {
    raise(ErrorCode::kInvalidArgument,
          "{} runs code that the model writes, in a sandbox: allow it with {}",
          kHumanEval,
          how);
  }
  if (const auto problem = sandbox_problem()) {
    raise(ErrorCode::kUnsupported, "{}: no sandbox for generated code: {}", kHumanEval, *problem);
  }
}

std::unique_ptr<Task> make_humaneval(const TaskOptions& options, const CodeSampling& sampling) {
  check_code_allowed(true, "");
  const Asked asked = asked_of(options, sampling);
  const DataFile file = read_data_file(options.data / "humaneval", {"HumanEval.jsonl"});
  std::vector<Problem> problems;
  for_each_record(file, options.limit, [&](const Record& record, std::size_t) {
    problems.push_back({record.text("task_id"),
                        record.text("prompt"),
                        record.text("test"),
                        record.text("entry_point"),
                        std::string(record.raw())});
  });
  TaskInfo info{.name = std::string(kHumanEval)};
  info.protocol = protocol_of(asked);
  info.data_hash = file.hash;
  for (const std::size_t k : asked.ks) {
    info.metrics.push_back({metric_name(k), "fraction"});
  }
  info.n_documents = count_records(file);
  info.filters = {"create_test"};
  info.n_repeats = asked.n_samples;
  info.keeps_repeats = true;
  return std::make_unique<HumanEvalTask>(std::move(info), std::move(problems), asked);
}

}  // namespace nibble::eval
