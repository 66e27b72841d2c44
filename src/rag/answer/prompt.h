/// The prompt of a question with its documents, and where each part stands in it.
///
///   INSTRUCTION
///
///   (the worked example, where it is wanted)
///
///   Document [1] (Title: TITLE)
///   TEXT
///
///   Question: QUESTION
///   Answer:
///
/// Without documents the instruction is another one and nothing stands between it and the
/// question. A document without a title has the header "Document [1]". With a chat template all of
/// it is one message of the user; what the template writes around it belongs to no document.
///
/// Units      byte ranges of the prompt's text; a document's range holds its text alone (C1)
/// Threads    immutable; reentrant
/// Errors     Error(kUnsupported) where a chat template changes the message
/// Source     our own; the form of the documents follows Liu et al. 2023, arXiv 2307.03172
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/task.h"
#include "rag/answer/token_spans.h"

namespace nibble::rag {

struct PromptSettings {
  eval::ChatSettings chat{};
  bool asks_citations = false;     ///< "[1]" behind the answer
  bool allows_abstention = false;  ///< "I don't know" where the documents do not say
  /// A passage with answered questions in front shows small models that a few words are wanted.
  bool shows_example = false;
};

struct PromptText {
  std::string text;
  std::vector<TextRange> documents;  ///< in the order given
  TextRange question;
};

struct PromptDocument {
  std::string_view title;
  std::string_view text;
};

/// "Document [2] (Title: Cats)\n"; numbers from 1.
std::string document_header(std::size_t number, std::string_view title);

PromptText build_prompt(std::string_view question,
                        std::span<const PromptDocument> documents,
                        const PromptSettings& settings);

/// A prompt as the model reads it.
struct TokenizedPrompt {
  std::vector<text::TokenId> tokens;
  std::vector<TokenRange> documents;
  TokenRange question;
};

/// As the engine encodes it, BOS included. Errors as token_begins.
Result<TokenizedPrompt> tokenize_prompt(const PromptText& prompt,
                                        const text::Tokenizer& tokenizer,
                                        bool add_bos);

/// One line that says what the settings do to prompts.
std::string prompt_protocol(const PromptSettings& settings);

}  // namespace nibble::rag
