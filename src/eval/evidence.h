/// Answers evidence requests: generations whose attention is measured on the way.
///
/// The prompt is read once: a forced answer goes on from the keys and values of its prompt while
/// the model's own answer is generated from them.
///
/// Threads    one call at a time
/// Errors     those of model::generate, which refuses a prompt without room for its answer
/// Source     our own
#pragma once

#include <cstddef>
#include <span>

#include "base/function_ref.h"
#include "eval/request.h"
#include "model/generate.h"

namespace nibble::eval {

using OnEvidence = FunctionRef<void(std::size_t request, EvidenceResponse&& response)>;

/// Calls `on_evidence` once for each request, as soon as its answers are there.
void gather_evidence(model::LanguageModel& model,
                     const text::Tokenizer& tokenizer,
                     std::span<const EvidenceRequest* const> requests,
                     const model::GenerateOptions& options,
                     OnEvidence on_evidence);

}  // namespace nibble::eval
