#include "app/commands.h"

#include <array>

namespace nibble::app {

void add_bench(CLI::App& root, Invocation& invocation);
void add_completion(CLI::App& root, Invocation& invocation);
void add_conditions(CLI::App& root, Invocation& invocation);
void add_convert(CLI::App& root, Invocation& invocation);
void add_data(CLI::App& root, Invocation& invocation);
void add_doctor(CLI::App& root, Invocation& invocation);
void add_eval(CLI::App& root, Invocation& invocation);
void add_imatrix(CLI::App& root, Invocation& invocation);
void add_inspect(CLI::App& root, Invocation& invocation);
void add_manual(CLI::App& root, Invocation& invocation);
void add_pull(CLI::App& root, Invocation& invocation);
void add_quantize(CLI::App& root, Invocation& invocation);
void add_rag(CLI::App& root, Invocation& invocation);
void add_recipes(CLI::App& root, Invocation& invocation);
void add_recommend(CLI::App& root, Invocation& invocation);
void add_report(CLI::App& root, Invocation& invocation);
void add_store(CLI::App& root, Invocation& invocation);
void add_study(CLI::App& root, Invocation& invocation);
void add_run(CLI::App& root, Invocation& invocation);
void add_score(CLI::App& root, Invocation& invocation);
void add_tasks(CLI::App& root, Invocation& invocation);
void add_tensor(CLI::App& root, Invocation& invocation);
void add_tokenize(CLI::App& root, Invocation& invocation);
void add_version(CLI::App& root, Invocation& invocation);

std::span<const AddCommand> command_table() {
  // In the order in which `nibble --help` lists them.
  static constexpr std::array kTable = {
      &add_study,    &add_store,   &add_pull,       &add_quantize,   &add_convert, &add_imatrix,
      &add_run,      &add_eval,    &add_conditions, &add_score,      &add_tasks,   &add_data,
      &add_rag,      &add_recipes, &add_tensor,     &add_inspect,    &add_bench,   &add_doctor,
      &add_tokenize, &add_report,  &add_recommend,  &add_completion, &add_manual,  &add_version,
  };
  return kTable;
}

}  // namespace nibble::app
