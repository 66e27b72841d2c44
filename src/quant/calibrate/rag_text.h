/// A question with its passages as one text, laid out as a model reads it when it answers from
/// retrieved documents.
///
///   Document [1](Title: …) text
///   …
///
///   Question: …
///   Answer: …
///
/// Shapes     a record {"question", "passages" or "ctxs": [{"title"?, "text"} or "text", …],
///            "answers"?: ["…", …]}; the first answer is written
/// Errors     throws kCorruptData, headed by `where`
/// Source     the multi-document layout of Liu et al. 2023 (Lost in the Middle), arXiv 2307.03172
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace nibble::quant {

bool is_rag_record(const Json& record);
std::string rag_text(const Json& record, std::string_view where);

}  // namespace nibble::quant
