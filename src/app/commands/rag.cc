/// `nibble rag`: documents to an index, questions to passages and answers, and how good they are.
#include <CLI/CLI.hpp>

#include "app/rag_options.h"

namespace nibble::app {

void add_rag(CLI::App& root, Invocation& invocation) {
  CLI::App* rag =
      root.add_subcommand("rag", "Find passages, answer questions from them, and judge both");
  rag->require_subcommand(1);
  add_rag_index(*rag, invocation);
  add_rag_search(*rag, invocation);
  add_rag_ask(*rag, invocation);
  add_rag_eval(*rag, invocation);
}

}  // namespace nibble::app
