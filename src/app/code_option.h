/// The options of tasks that run code which the model writes.
///
/// Source     our own; defaults of lm-evaluation-harness's humaneval and humaneval_64
#pragma once

#include <CLI/CLI.hpp>

#include "eval/code/humaneval.h"

namespace nibble::app {

struct CodeChoice {
  bool is_allowed = false;
  eval::CodeSampling sampling{};
};

/// --allow-code
void add_allow_code_option(CLI::App& command, bool& is_allowed);

/// --samples, --pass-k, --temperature, --top-p, --seed
void add_code_sampling_options(CLI::App& command, eval::CodeSampling& sampling);

}  // namespace nibble::app
