/// `nibble rag eval`: retrieval against judgements of people, as trec_eval and BEIR count; or a
/// model's answers (app/rag_answers.h).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/rag_answers.h"
#include "app/rag_compare.h"
#include "app/rag_options.h"
#include "base/file.h"
#include "base/json.h"
#include "eval/metrics/ranking.h"
#include "eval/stats/interval.h"
#include "rag/run_scores.h"
#include "rag/trec.h"

namespace nibble::app {
namespace {

struct RagEvalOptions {
  std::string subject;  ///< an index, or a model that answers sets of questions
  AnswersChoice answers;
  SearchChoice search;
  std::string questions;
  std::string judgements;
  std::string run_out;
  rag::RankingCuts cuts;
  std::vector<std::string> compared;  ///< two runs; empty: an index is searched
  bool keep_identical = false;
};

struct MetricResult {
  std::string name;
  eval::stats::Interval interval;
};

/// What is asked: the questions that have a relevant document, in the order of their file.
std::vector<rag::Question> judged_questions(const RagEvalOptions& options,
                                            const rag::QuestionJudgements& judgements) {
  std::vector<rag::Question> out;
  for (rag::Question& question : rag::read_questions(options.questions).take()) {
    const auto judged = judgements.find(question.id);
    if (judged != judgements.end() && eval::has_relevant(judged->second)) {
      out.push_back(std::move(question));
    }
  }
  if (out.empty()) {
    raise(ErrorCode::kCorruptData,
          "{}: no question of {} has a relevant document there",
          options.judgements,
          options.questions);
  }
  return out;
}

rag::Run search_all(OpenedIndex& opened,
                    const std::vector<rag::Question>& questions,
                    const RagEvalOptions& options) {
  std::vector<std::string> texts;
  for (const rag::Question& question : questions) {
    texts.push_back(question.text);
  }
  // One more, where a document of the question's own name is left out.
  const auto found = opened.retriever().search_documents(texts, options.cuts.depth + 1);
  rag::Run run;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    auto& entries = run[questions[i].id];
    for (const rag::Hit& hit : found[i]) {
      const std::string& document = opened.retriever().document(hit.item);
      const bool is_itself = document == questions[i].id && !options.keep_identical;
      if (!is_itself && entries.size() < options.cuts.depth) {
        entries.push_back({document, hit.score});
      }
    }
  }
  rag::sort_run(run);
  return run;
}

std::vector<MetricResult> summarize_run(const rag::Run& run,
                                        const std::vector<rag::Question>& questions,
                                        const rag::QuestionJudgements& judgements,
                                        const RagEvalOptions& options) {
  std::vector<std::string> ids;
  for (const rag::Question& question : questions) {
    ids.push_back(question.id);
  }
  std::ranges::sort(ids);
  std::vector<MetricResult> out;
  for (const rag::RunMetric& metric : rag::score_run(run, ids, judgements, options.cuts)) {
    out.push_back(
        {metric.name, eval::stats::ratio_interval(metric.samples, eval::Transform::kIdentity)});
  }
  return out;
}

std::string as_text(const std::vector<MetricResult>& results) {
  std::string out =
      fmt::format("{:<12} {:>6} {:>8}  {}\n", "metric", "n", "value", "95 % interval");
  for (const MetricResult& result : results) {
    out += fmt::format("{:<12} {:>6} {:>8.4f}  {:.4f} to {:.4f}\n",
                       result.name,
                       result.interval.n,
                       result.interval.value,
                       result.interval.low,
                       result.interval.high);
  }
  return out;
}

Json as_json(const std::vector<MetricResult>& results, OpenedIndex& opened) {
  Json metrics = Json::array();
  for (const MetricResult& result : results) {
    metrics.push_back({{"name", result.name},
                       {"n", result.interval.n},
                       {"value", result.interval.value},
                       {"low", result.interval.low},
                       {"high", result.interval.high}});
  }
  const rag::IndexSettings& settings = opened.settings();
  return {{"mode", opened.mode()},
          {"index", opened.retriever().ann()},
          {"passages", settings.passages},
          {"encoder_hash", settings.encoder_hash},
          {"encoder_codec", settings.codec},
          {"metrics", metrics}};
}

int judge_retrieval(const RagEvalOptions& options, const Globals& globals) {
  const auto judgements = rag::read_judgements(options.judgements).take();
  const auto questions = judged_questions(options, judgements);
  const auto progress = make_progress(globals);
  OpenedIndex opened(options.search, globals, *progress);
  const rag::Run run = search_all(opened, questions, options);
  if (!options.run_out.empty()) {
    write_file_atomic(options.run_out, rag::run_text(run, fmt::format("nibble-{}", opened.mode())))
        .take();
  }
  const auto results = summarize_run(run, questions, judgements, options);
  print_out(globals.json ? dump_json(as_json(results, opened)) + "\n" : as_text(results));
  return 0;
}

int run(RagEvalOptions options, const Globals& globals) {
  if (!options.compared.empty()) {
    return compare_rankings(options.compared, options.judgements, options.cuts, globals);
  }
  if (!options.answers.sets.empty()) {
    return judge_answers(options.subject, options.answers, options.search, globals);
  }
  options.search.index = options.subject;
  return judge_retrieval(options, globals);
}

}  // namespace

void add_rag_eval(CLI::App& rag, Invocation& invocation) {
  auto options = std::make_shared<RagEvalOptions>();
  CLI::App* command = rag.add_subcommand(
      "eval",
      "Judge retrieval (INDEX --questions …: nDCG, MRR, recall, MAP; --compare A B: two of its "
      "runs, paired) or answers (MODEL SET …: F1, exact match, …), with intervals");
  CLI::Option* index =
      command->add_option("index", options->subject, "An index; for answers a model");
  add_answers_options(*command, options->answers);
  add_search_options(*command, options->search);
  CLI::Option* questions =
      command->add_option("--questions", options->questions, "JSON lines with _id and text");
  CLI::Option* judgements = command->add_option(
      "--judgements", options->judgements, "Relevance by people: BEIR's or TREC's");
  questions->needs(judgements)->excludes(command->get_option("sets"));
  command
      ->add_option("--compare",
                   options->compared,
                   "Two runs in TREC's format over the same questions: B against A, paired")
      ->expected(2)
      ->needs(judgements)
      ->excludes(index)
      ->excludes(questions);
  command->add_option("--run", options->run_out, "Write the rankings there, in TREC's format");
  command->add_option("-k", options->cuts.k, "nDCG and MRR look at so many documents")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_option("--depth", options->cuts.depth, "Recall and MAP look at so many documents")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_flag("--keep-identical",
                    options->keep_identical,
                    "Keep a document that has the question's id; BEIR leaves it out");
  command->footer(
      "Example: nibble rag eval docs.rag --questions queries.jsonl --judgements qrels/test.tsv\n"
      "         nibble rag eval --compare f32.run int4.run --judgements qrels/test.tsv\n"
      "         nibble rag eval model.gguf squad nq --data data --documents 10 --gold-at 0,4,9");
  command->callback([options, &invocation] {
    if (options->compared.empty() && options->subject.empty()) {
      throw CLI::RequiredError("index");
    }
    if (options->compared.empty() && options->questions.empty() && options->answers.sets.empty()) {
      throw CLI::RequiredError("--questions with --judgements, or sets of questions");
    }
    invocation.run = [options, &invocation] { return run(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
