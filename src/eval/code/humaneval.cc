#include "eval/code/humaneval.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "eval/code/sandbox.h"
#include "eval/metrics/pass_at_k.h"
#include "eval/tasks/data_file.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kMaxTokens = 1024;

struct Problem {
  std::string id, prompt, tests, entry_point, document;
};

class HumanEvalTask final : public Task {
 public:
  HumanEvalTask(TaskInfo info, std::vector<Problem> problems, std::size_t max_tokens)
      : info_(std::move(info)), problems_(std::move(problems)), max_tokens_(max_tokens) {}

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
    sample.requests.emplace_back(GenerationRequest{
        problem.prompt, max_tokens_, {"\nclass", "\ndef", "\n#", "\nif", "\nprint"}});
    return sample;
  }

  [[nodiscard]] SampleResult score(const Sample& sample,
                                   std::span<const Response> responses) const override {
    const auto& generated = std::get<GenerationResponse>(responses.front());
    SampleResult result;
    result.answer = generated.text;
    if (!generated.is_answered) {
      result.scores["pass@1"] = std::nullopt;
      return result;
    }
    const Problem& problem = problems_.at(sample.index);
    const std::string program = problem.prompt + generated.text + "\n" + tests_of(problem);
    const bool passed = run_in_sandbox(program) == CodeVerdict::kPassed;
    result.scores["pass@1"] = Contribution{pass_at_k(1, passed ? 1 : 0, 1), 1};
    return result;
  }

 private:
  static std::string tests_of(const Problem& problem) {
    return fmt::format("{}\ncheck({})", problem.tests, problem.entry_point);
  }

  TaskInfo info_;
  std::vector<Problem> problems_;
  std::size_t max_tokens_;
};

}  // namespace

std::unique_ptr<Task> make_humaneval(const TaskOptions& options) {
  if (const auto problem = sandbox_problem()) {
    raise(ErrorCode::kUnsupported, "humaneval runs generated code in a sandbox: {}", *problem);
  }
  const DataFile file = read_data_file(options.data / "humaneval", {"HumanEval.jsonl"});
  std::vector<Problem> problems;
  for_each_record(file, options.limit, [&](const Record& record, std::size_t) {
    problems.push_back({record.text("task_id"),
                        record.text("prompt"),
                        record.text("test"),
                        record.text("entry_point"),
                        std::string(record.raw())});
  });
  const std::size_t max_tokens =
      options.max_answer > 0 ? std::min(options.max_answer, kMaxTokens) : kMaxTokens;
  TaskInfo info{.name = std::string(kHumanEval)};
  info.protocol = fmt::format("0-shot, greedy, at most {} tokens, tests in a sandbox", max_tokens);
  info.data_hash = file.hash;
  info.metrics = {{"pass@1", "fraction"}};
  info.n_documents = count_records(file);
  return std::make_unique<HumanEvalTask>(std::move(info), std::move(problems), max_tokens);
}

}  // namespace nibble::eval
