/// From a text to a perplexity task, for any corpus.
///
/// Errors     Error(kInvalidArgument) without a tokenizer, or when the text has no whole window
/// Source     tasks/windows.h, tasks/documents.h
#pragma once

#include <memory>
#include <string_view>

#include "eval/tasks/builtin.h"
#include "eval/tasks/documents.h"
#include "eval/tasks/windows.h"

namespace nibble::eval {

/// The windows of the text, tokenized once; the first `limit` of them. `where` heads error
/// messages.
std::unique_ptr<Task> make_window_task(const TaskRequest& request,
                                       WindowProtocol protocol,
                                       std::string_view text,
                                       std::string data_hash,
                                       std::string_view where);

/// Counts words and bytes of the text itself.
Document plain_document(std::string id, std::string text);

}  // namespace nibble::eval
