#include "app/rag_answers.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>

#include "app/arithmetic_option.h"
#include "app/device_option.h"
#include "app/eval_output.h"
#include "app/exit_code.h"
#include "app/judged_model.h"
#include "app/kv_option.h"
#include "rag/answer/answer_task.h"
#include "rag/answer/question_set.h"

namespace nibble::app {
namespace {

std::vector<std::shared_ptr<const rag::QuestionSet>> read_sets(const AnswersChoice& choice) {
  std::vector<std::shared_ptr<const rag::QuestionSet>> out;
  for (const std::string& name : choice.sets) {
    out.push_back(rag::read_question_set(name, choice.data).take());
  }
  return out;
}

}  // namespace

void add_answers_options(CLI::App& command, AnswersChoice& choice) {
  std::string names;
  for (const rag::QuestionSetRow& row : rag::question_set_table()) {
    names += fmt::format("\n{:<20} {}", row.name, row.summary);
  }
  command.add_option("sets", choice.sets, "Sets of questions for a model to answer:" + names);
  command.add_option("-d,--data", choice.data, "Folder of the data sets")
      ->envname("NIBBLE_DATA")
      ->capture_default_str();
  command.add_option("--index", choice.index, "Take documents from what nibble rag index made");
  command
      .add_option("--context",
                  choice.context,
                  "gold (with distractors), retrieved, oracle (gold alone) or closed (none)")
      ->capture_default_str();
  command.add_option("--documents", choice.n_documents, "Documents of a prompt; 0: as many as fit")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  command.add_option("--budget", choice.budgets, "Tokens of a prompt at most, several with commas")
      ->delimiter(',')
      ->check(CLI::Range(std::size_t{1}, kMaxTokens));
  command
      .add_option("--gold-at",
                  choice.gold_slots,
                  "Position of the gold document from 0, several with commas; by turns without")
      ->delimiter(',')
      ->check(CLI::Range(0, 10'000));
  command.add_option("-L,--limit", choice.limit, "Only the first N questions; 0 means all")
      ->check(CLI::Range(std::size_t{0}, std::size_t{1} << 31))
      ->capture_default_str();
  command.add_flag("--shuffle,!--no-shuffle",
                   choice.is_shuffled,
                   "Questions in an order shuffled by a fixed seed (the default)");
  command
      .add_option("--max-answer",
                  choice.max_answer,
                  "Tokens of an answer at most; 0 means the set's own rule")
      ->check(CLI::Range(std::size_t{0}, kMaxTokens))
      ->capture_default_str();
  command.add_flag("--cite", choice.asks_citations, "Ask for citations, and count them");
  command.add_flag("--abstain", choice.allows_abstention, "Offer \"I don't know\" as an answer");
  command.add_flag("--example,!--no-example",
                   choice.shows_example,
                   "A passage with answered questions in front (the default)");
  add_chat_options(command, choice.chat);
  command.add_option("-o,--output", choice.output, "Folder of a store; what is there is not asked");
  add_arithmetic_option(command, choice.arithmetic);
  add_device_options(command, choice.device, choice.device_memory);
  add_kv_option(command, choice.kv);
}

int judge_answers(const std::string& model_path,
                  const AnswersChoice& choice,
                  SearchChoice search,
                  const Globals& globals) {
  const auto sets = read_sets(choice);  // before the weights are read
  const auto progress = make_progress(globals);
  ThreadPool pool(globals.threads);
  model::LoadedModel model = model::load_model(model_path,
                                               {.arithmetic = choice.arithmetic,
                                                .device = choice.device,
                                                .device_memory = choice.device_memory,
                                                .kv = choice.kv},
                                               pool,
                                               *progress)
                                 .take();
  eval::Engine engine(model, eval::default_engine_options(model));
  const auto chat = chat_template_of(choice.chat, model);
  std::optional<OpenedIndex> opened;
  std::shared_ptr<rag::PassageRanker> ranker;
  if (!choice.index.empty()) {
    search.index = choice.index;
    opened.emplace(search, globals, *progress);
    ranker = rag::make_index_ranker(opened->retriever(), std::string(opened->mode()));
  }
  const rag::AnswerParts parts{
      .tokenizer = *model.tokenizer,
      .ranker = ranker,
      .prompt = {.chat = {chat ? &*chat : nullptr, choice.chat.system, true},
                 .asks_citations = choice.asks_citations,
                 .allows_abstention = choice.allows_abstention,
                 .shows_example = choice.shows_example},
      .add_bos = engine.options().add_bos,
      .model_context = model.model->config().context,
      .max_answer = choice.max_answer};
  const rag::ContextGrid grid{rag::context_mode_from_name(choice.context).take(),
                              choice.n_documents,
                              choice.budgets,
                              choice.gold_slots};
  std::vector<std::unique_ptr<eval::Task>> tasks;
  for (const auto& set : sets) {
    std::ranges::move(rag::answer_tasks(set, parts, grid, {choice.limit, choice.is_shuffled}),
                      std::back_inserter(tasks));
  }
  store::Store store = open_eval_store(choice.output);
  const auto outcomes =
      judge_tasks(engine, judged_model(model_path, model, engine, ""), tasks, store, *progress);
  print_out(globals.json ? eval_document(model, engine, outcomes, "") : eval_table(outcomes));
  return kDone;
}

}  // namespace nibble::app
