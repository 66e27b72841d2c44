/// `nibble rag ask`: the answer of a model to a question, from the passages of an index.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/arithmetic_option.h"
#include "app/chat_option.h"
#include "app/device_option.h"
#include "app/kv_option.h"
#include "app/rag_options.h"
#include "base/json.h"
#include "base/utf8.h"
#include "model/generate.h"
#include "model/load.h"
#include "rag/answer/answer_scores.h"
#include "rag/answer/context.h"

namespace nibble::app {
namespace {

struct AskOptions {
  std::string model;
  SearchChoice search;
  std::string question;
  std::size_t k = 5;
  std::size_t budget = 0;
  std::size_t max_tokens = 64;
  bool asks_citations = true;
  ChatChoice chat;
  Arithmetic arithmetic = Arithmetic::kNative;
  std::string device = "cpu";
  std::size_t device_memory = 0;
  const codec::KvScheme* kv = nullptr;
};

struct Answer {
  rag::Context context;
  model::Generation generation;
  std::vector<std::size_t> cited;  ///< numbers of documents
  bool question_cut = false;       ///< by the encoder of the index
};

/// Throws Error(kInvalidArgument) where the question does not fit.
rag::Context build_context(const AskOptions& options,
                           const model::LoadedModel& model,
                           rag::PassageRanker& ranker,
                           const rag::PromptSettings& prompt) {
  const std::size_t context = model.model->config().context;
  const std::size_t room = context - std::min(context, options.max_tokens);
  rag::ContextBuilder builder(
      {*model.tokenizer, ranker, prompt, model.tokenizer->special().add_bos, room},
      {.mode = rag::ContextMode::kRetrieved, .n_documents = options.k, .budget = options.budget});
  auto out = builder.build({}, {.id = "question", .question = options.question}, 0);
  if (!out) {
    raise(ErrorCode::kInvalidArgument,
          "the question does not fit: a prompt may have {} tokens, and the model's context of {} "
          "must hold the answer, too",
          options.budget == 0 ? room : std::min(room, options.budget),
          context);
  }
  return *std::move(out);
}

Answer ask(const AskOptions& options,
           OpenedIndex& opened,
           const model::LoadedModel& model,
           ProgressSink& progress) {
  const auto chat = chat_template_of(options.chat, model);
  const rag::PromptSettings prompt{.chat = {chat ? &*chat : nullptr, options.chat.system, true},
                                   .asks_citations = options.asks_citations,
                                   .allows_abstention = true};
  const auto ranker = rag::make_index_ranker(opened.retriever(), std::string(opened.mode()));
  Answer out{build_context(options, model, *ranker, prompt), {}, {}, false};
  out.question_cut = opened.encoder() != nullptr && opened.encoder()->counts().n_cut > 0;
  if (out.context.documents.empty()) {
    progress.note("no passage fits the question; it is answered without documents");
  }
  if (out.question_cut) {
    progress.note("the search looked at the beginning of the question only");
  }
  const model::GenerateRequest request{
      .prompt = out.context.tokens.tokens, .max_tokens = options.max_tokens, .stop = {"\n\n"}};
  out.generation = model::generate(*model.model,
                                   *model.tokenizer,
                                   {&request, 1},
                                   [](std::size_t, const model::Generation&) {})
                       .front();
  out.cited = rag::cited_numbers(out.generation.text);
  return out;
}

/// Citations alone are no answer.
bool is_empty(const Answer& answer) {
  return utf8::strip(rag::without_citations(answer.generation.text)).empty();
}

std::string_view empty_hint(const AskOptions& options) {
  return options.chat.applies_template
             ? "the answer is empty: the model ended it at once; try fewer passages (-k) or "
               "--no-cite"
             : "the answer is empty: the model ended it at once; a chat model wants "
               "--apply-chat-template, others sometimes fewer passages (-k) or --no-cite";
}

bool is_cited(const Answer& answer, std::size_t number) {
  return std::ranges::find(answer.cited, number) != answer.cited.end();
}

Json as_json(const AskOptions& options, const OpenedIndex& opened, const Answer& answer) {
  Json documents = Json::array();
  for (std::size_t i = 0; i < answer.context.documents.size(); ++i) {
    const rag::ContextDocument& document = answer.context.documents[i];
    documents.push_back({{"number", i + 1},
                         {"document", document.name},
                         {"title", document.passage.title},
                         {"text", document.passage.text},
                         {"cut", document.is_cut},
                         {"cited", is_cited(answer, i + 1)}});
  }
  return {{"question", options.question},
          {"answer", rag::without_citations(answer.generation.text)},
          {"abstains", rag::abstains(answer.generation.text)},
          {"cited", answer.cited},
          {"mode", opened.mode()},
          {"question_cut", answer.question_cut},
          {"n_prompt_tokens", answer.context.tokens.tokens.size()},
          {"n_tokens", answer.generation.tokens.size()},
          {"ended_by_length", answer.generation.reason == model::StopReason::kLimit},
          {"documents", documents}};
}

std::string as_text(const Answer& answer) {
  std::string out(utf8::strip(answer.generation.text));
  out += "\n\n";
  for (std::size_t i = 0; i < answer.context.documents.size(); ++i) {
    const rag::ContextDocument& document = answer.context.documents[i];
    out += fmt::format("{} [{}] {}  {}{}\n",
                       is_cited(answer, i + 1) ? "*" : " ",
                       i + 1,
                       document.name,
                       document.passage.title,
                       document.is_cut ? "  (beginning)" : "");
  }
  return out;
}

int run(const AskOptions& options, const Globals& globals) {
  check_question(options.question);
  const auto progress = make_progress(globals);
  OpenedIndex opened(options.search, globals, *progress);
  ThreadPool pool(globals.threads);
  const model::LoadedModel model = model::load_model(options.model,
                                                     {.arithmetic = options.arithmetic,
                                                      .with_hash = false,
                                                      .device = options.device,
                                                      .device_memory = options.device_memory,
                                                      .kv = options.kv},
                                                     pool,
                                                     *progress)
                                       .take();
  const Answer answer = ask(options, opened, model, *progress);
  if (answer.generation.reason == model::StopReason::kNotFinite) {
    raise(ErrorCode::kCorruptData, "{}: the model gives no finite numbers", options.model);
  }
  if (is_empty(answer)) {
    progress->note(empty_hint(options));
  }
  print_out(globals.json ? dump_json(as_json(options, opened, answer)) + "\n" : as_text(answer));
  return 0;
}

}  // namespace

void add_rag_ask(CLI::App& rag, Invocation& invocation) {
  auto options = std::make_shared<AskOptions>();
  CLI::App* command = rag.add_subcommand(
      "ask", "Answer a question from the passages that fit it best; * marks those that it cites");
  command->add_option("model", options->model, "A .gguf file or a model folder")->required();
  command->add_option("index", options->search.index, "What nibble rag index made")->required();
  command->add_option("question", options->question, "What is asked")->required();
  add_search_options(*command, options->search);
  command->add_option("-k", options->k, "How many passages")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command
      ->add_option("--budget",
                   options->budget,
                   "Tokens of the prompt at most; 0: what the model's context holds")
      ->check(CLI::Range(std::size_t{0}, kMaxTokens))
      ->capture_default_str();
  command->add_option("-n,--max-tokens", options->max_tokens, "Most tokens of the answer")
      ->check(CLI::Range(std::size_t{1}, kMaxTokens))
      ->capture_default_str();
  command->add_flag("--cite,!--no-cite",
                    options->asks_citations,
                    "Ask for the numbers of the documents behind the answer (the default)");
  add_chat_options(*command, options->chat);
  add_arithmetic_option(*command, options->arithmetic);
  add_device_options(*command, options->device, options->device_memory);
  add_kv_option(*command, options->kv);
  command->footer("Example: nibble rag ask model.gguf docs.rag \"How is a codec added?\"");
  command->callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
