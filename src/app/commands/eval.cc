#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>

#include "app/arithmetic_option.h"
#include "app/chat_option.h"
#include "app/code_option.h"
#include "app/command.h"
#include "app/device_option.h"
#include "app/eval_compare.h"
#include "app/eval_output.h"
#include "app/exit_code.h"
#include "app/judged_model.h"
#include "app/kv_option.h"
#include "study/lm_eval_files.h"

namespace nibble::app {
namespace {

namespace fs = std::filesystem;

struct EvalOptions {
  std::string model;
  std::vector<std::string> tasks;
  std::vector<std::string> compare;  ///< two runs, or nothing
  std::string data = ".";
  std::string reference;  ///< model to compare with; "": none
  std::string output;     ///< folder of results files and of the store; "": none are kept
  Arithmetic arithmetic = Arithmetic::kDeterministic;
  std::string device = "cpu";
  std::size_t device_memory = 0;
  const codec::KvScheme* kv = nullptr;
  std::size_t limit = 0;
  std::size_t window = 2048;
  std::size_t max_answer = 0;
  ChatChoice chat;
  CodeChoice code;
};

std::vector<std::unique_ptr<eval::Task>> make_tasks(const EvalOptions& options,
                                                    const model::LoadedModel& model,
                                                    const text::ChatTemplate* chat) {
  const eval::TaskOptions task_options{
      .data = options.data,
      .limit = options.limit,
      .max_context = options.window,
      .model_context = model.model->config().context,
      .tokenizer = model.tokenizer.get(),
      .chat = {chat, options.chat.system, options.chat.is_multiturn},
      .max_answer = options.max_answer};
  std::vector<std::unique_ptr<eval::Task>> tasks;
  for (auto name = options.tasks.begin(); name != options.tasks.end(); ++name) {
    if (std::find(options.tasks.begin(), name, *name) != name) {
      continue;  // named twice
    }
    tasks.push_back(*name == eval::kHumanEval
                        ? eval::make_humaneval(task_options, options.code.sampling)
                        : eval::make_task(*name, task_options).take());
  }
  return tasks;
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

eval::LmEvalRun run_facts(const EvalOptions& options,
                          const model::LoadedModel& model,
                          const study::JudgedModel& judged,
                          double started) {
  eval::LmEvalRun run{.model = options.model,
                      .model_hash = judged.model_hash,
                      .tokenizer_hash = judged.tokenizer_hash,
                      .weight_types = judged.weight_types,
                      .chat_template = options.chat.applies_template ? model.chat_template : "",
                      .system = options.chat.system,
                      .is_multiturn = options.chat.is_multiturn,
                      .n_parameters = model.model->config().n_parameters(),
                      .max_length = model.model->config().context,
                      .limit = options.limit,
                      .special_tokens = study::lm_eval_tokens(*model.tokenizer),
                      .conditions = {},
                      .started = started,
                      .seconds = seconds_since_1970() - started};
  for (const store::Condition& condition : study::task_conditions(judged)) {
    run.conditions[condition.key] = condition.value;
  }
  return run;
}

/// A model with everything that answers for it; the parts point at each other.
struct Judge {
  ThreadPool pool;
  model::LoadedModel model, reference_model;
  std::unique_ptr<eval::Reference> reference;
  std::optional<eval::Engine> engine;

  Judge(const EvalOptions& options, const Globals& globals, ProgressSink& progress)
      : pool(globals.threads),
        model(model::load_model(options.model,
                                {.arithmetic = options.arithmetic,
                                 .device = options.device,
                                 .device_memory = options.device_memory,
                                 .kv = options.kv},
                                pool,
                                progress)
                  .take()) {
    engine.emplace(model, eval::default_engine_options(model));
    if (!options.reference.empty()) {
      reference_model = model::load_model(options.reference,
                                          {.arithmetic = options.arithmetic,
                                           .device = options.device,
                                           .device_memory = options.device_memory},
                                          pool,
                                          progress)
                            .take();
      reference = eval::model_reference(*reference_model.model, engine->options().batch_tokens);
      engine->set_reference(reference.get());
    }
  }
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;
};

int run_eval(const EvalOptions& options, const Globals& globals) {
  for (const std::string& name : options.tasks) {  // before the weights are read
    if (name == eval::kHumanEval) {
      eval::check_code_allowed(options.code.is_allowed, "--allow-code");
    } else {
      eval::check_task_name(name).take();
    }
  }
  const double started = seconds_since_1970();
  const auto progress = make_progress(globals);
  Judge judge(options, globals, *progress);
  const auto chat = chat_template_of(options.chat, judge.model);
  const auto tasks = make_tasks(options, judge.model, chat ? &*chat : nullptr);
  const auto judged =
      judged_model(options.model, judge.model, *judge.engine, judge.reference_model.hash);
  const fs::path folder =
      options.output.empty() ? fs::path()
                             : fs::path(options.output) / eval::lm_eval_model_folder(options.model);
  store::Store store = open_eval_store(folder);
  const auto outcomes = judge_tasks(*judge.engine, judged, tasks, store, *progress);
  std::string results;
  if (!folder.empty()) {
    const eval::LmEvalRun run = run_facts(options, judge.model, judged, started);
    results = study::write_lm_eval_files(folder, run, store, outcomes).string();
    progress->note(fmt::format("results: {}", results));
  }
  print_out(globals.json ? eval_document(judge.model, *judge.engine, outcomes, results)
                         : eval_table(outcomes));
  return kDone;
}

}  // namespace

void add_eval(CLI::App& root, Invocation& invocation) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command = root.add_subcommand("eval", "Judge a model: perplexity, choices, questions");
  CLI::Option* model =
      command->add_option("model", options->model, "A .gguf file or a model folder");
  CLI::Option* tasks =
      command
          ->add_option("-t,--tasks", options->tasks, "Tasks, separated by commas; see nibble tasks")
          ->delimiter(',');
  command
      ->add_option("--compare",
                   options->compare,
                   "Two folders that -o wrote (or lm-eval): paired differences of their scores")
      ->expected(2)
      ->excludes(model)
      ->excludes(tasks);
  command->add_option("-d,--data", options->data, "Folder of the data sets")
      ->envname("NIBBLE_DATA")
      ->capture_default_str();
  command->add_option("--reference",
                      options->reference,
                      "The model that the tasks of divergence (…kl512) compare with");
  command->add_option("-o,--output",
                      options->output,
                      "Folder for lm-eval's results and samples files and the store beside them; "
                      "a run that was stopped goes on from there");
  command
      ->add_option("-L,--limit",
                   options->limit,
                   "Only the first N samples, of a task with subjects N of each; 0 means all")
      ->check(CLI::Range(std::size_t{0}, std::size_t{1} << 31))
      ->capture_default_str();
  command->add_option("--window", options->window, "Tokens of a perplexity window")
      ->check(CLI::Range(std::size_t{2}, kMaxTokens))
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  command
      ->add_option("--max-answer",
                   options->max_answer,
                   "Tokens of a generated answer at most; 0 means the task's own rule")
      ->check(CLI::Range(std::size_t{0}, kMaxTokens))
      ->capture_default_str();
  add_chat_options(*command, options->chat);
  add_allow_code_option(*command, options->code.is_allowed);
  add_code_sampling_options(*command, options->code.sampling);
  add_arithmetic_option(*command, options->arithmetic);
  add_device_options(*command, options->device, options->device_memory);
  add_kv_option(*command, options->kv);
  command->footer(
      "Example: nibble eval model.gguf -t wikitext_stride512,arc_easy --data data -L 100\n"
      "         nibble eval --compare out/base out/int4");
  command->callback([options, &invocation] {
    if (options->compare.empty() && (options->model.empty() || options->tasks.empty())) {
      throw CLI::RequiredError("a model and --tasks, or --compare A B");
    }
    invocation.run = [options, &invocation] {
      return options->compare.empty()
                 ? run_eval(*options, invocation.globals)
                 : compare_results(options->compare[0], options->compare[1], invocation.globals);
    };
  });
}

}  // namespace nibble::app
