/// Divergence from the reference model over windows of one tokenized text.
///
/// Windows of 512 tokens side by side, the tail dropped; the distributions behind the second half
/// of each are compared, so that every one has at least 256 tokens of context. Where the tokenizer
/// puts BOS in front of a text, it takes the place of each window's first token.
///
///   kl               mean Kullback-Leibler divergence from the reference, nats a token
///   top1_agreement   share of positions with the reference's most probable token
///
/// Errors     as make_window_task
/// Source     llama.cpp, perplexity --kl-divergence with its default context
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "eval/tasks/builtin.h"

namespace nibble::eval {

std::unique_ptr<Task> make_divergence_task(const TaskRequest& request,
                                           std::string_view text,
                                           std::string data_hash,
                                           std::string_view where);

}  // namespace nibble::eval
