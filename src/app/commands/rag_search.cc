/// `nibble rag search`: the passages of an index that fit a question best.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/rag_options.h"
#include "base/json.h"
#include "base/utf8.h"

namespace nibble::app {
namespace {

struct SearchOptions {
  SearchChoice search;
  std::string question;
  std::size_t k = 5;
};

/// About so many bytes of a passage are shown to people.
constexpr std::size_t kShownBytes = 240;

std::string shortened(const std::string& text) {
  if (text.size() <= kShownBytes) {
    return text;
  }
  return text.substr(0, utf8::complete_prefix(std::string_view(text).substr(0, kShownBytes))) +
         " …";
}

std::string as_text(rag::Retriever& retriever, const std::vector<rag::Hit>& hits) {
  std::string out;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    const rag::Passage passage = retriever.passage(hits[i].item);
    out += fmt::format("{:>2}  {:.4f}  {}  {}\n    {}\n",
                       i + 1,
                       hits[i].score,
                       passage.document,
                       passage.title,
                       shortened(passage.text));
  }
  return out;
}

Json as_json(OpenedIndex& opened, const SearchOptions& options, const std::vector<rag::Hit>& hits) {
  Json passages = Json::array();
  for (const rag::Hit& hit : hits) {
    const rag::Passage passage = opened.retriever().passage(hit.item);
    passages.push_back({{"document", passage.document},
                        {"title", passage.title},
                        {"first_byte", passage.first},
                        {"text", passage.text},
                        {"score", hit.score}});
  }
  const bool is_cut = opened.encoder() != nullptr && opened.encoder()->counts().n_cut > 0;
  return {{"question", options.question},
          {"mode", opened.mode()},
          {"index", opened.retriever().ann()},
          {"question_cut", is_cut},
          {"passages", passages}};
}

int run(const SearchOptions& options, const Globals& globals) {
  check_question(options.question);
  const auto progress = make_progress(globals);
  OpenedIndex opened(options.search, globals, *progress);
  const std::vector<std::string> questions = {options.question};
  const auto hits = opened.retriever().search(questions, options.k).front();
  if (hits.empty()) {
    progress->note("no passage has a word of the question");
  }
  if (opened.encoder() != nullptr && opened.encoder()->counts().n_cut > 0) {
    progress->note(fmt::format("the question was cut to the {} tokens that the encoder takes",
                               opened.encoder()->config().max_tokens));
  }
  print_out(globals.json ? dump_json(as_json(opened, options, hits)) + "\n"
                         : as_text(opened.retriever(), hits));
  return 0;
}

}  // namespace

void add_rag_search(CLI::App& rag, Invocation& invocation) {
  auto options = std::make_shared<SearchOptions>();
  CLI::App* command = rag.add_subcommand("search", "The passages that fit a question best");
  command->add_option("index", options->search.index, "What nibble rag index made")->required();
  add_search_options(*command, options->search);
  command->add_option("question", options->question, "What to look for")->required();
  command->add_option("-k", options->k, "How many passages")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->footer("Example: nibble rag search docs.rag \"How is a codec added?\"");
  command->callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
