#include "rag/answer/prompt.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "eval/request_encoder.h"
#include "text/chat_template.h"

namespace nibble::rag {
namespace {

std::string instruction(bool has_documents, const PromptSettings& settings) {
  std::string out = has_documents
                        ? "Answer the question with a few words from the documents. Some of them "
                          "may have nothing to do with it."
                        : "Answer the question with a few words.";
  if (settings.allows_abstention) {
    out += has_documents ? " If the documents do not say, answer: I don't know."
                         : " If you are not sure, answer: I don't know.";
  }
  if (settings.asks_citations && has_documents) {
    out += " Behind the answer, cite the document that it comes from by its number, as in [1].";
  }
  return out;
}

constexpr std::string_view kExamplePassage =
    "Document [1] (Title: The Harbour Mill)\n"
    "The Harbour Mill was built in 1902 by Edda Rusk on the north quay. It ground oats for forty "
    "years and is now a library of maps.\n\n";

/// An invented passage with short answers to its questions, in the form of the prompt itself.
std::string example(bool has_documents, const PromptSettings& settings) {
  const bool cites = settings.asks_citations && has_documents;
  const auto turn = [cites](std::string_view question, std::string_view answer) {
    return fmt::format("Question: {}\nAnswer: {}{}\n\n", question, answer, cites ? " [1]" : "");
  };
  std::string out(has_documents ? kExamplePassage : std::string_view());
  out += turn("Who built the Harbour Mill?", "Edda Rusk");
  out += turn("What did the Harbour Mill grind?", "oats");
  if (settings.allows_abstention) {
    out += "Question: Who painted the Harbour Mill?\nAnswer: I don't know\n\n";
  }
  return out;
}

TextRange append(std::string& out, std::string_view text) {
  const std::size_t begin = out.size();
  out += text;
  return {begin, out.size()};
}

void shift(TextRange& range, std::size_t by) {
  range.begin += by;
  range.end += by;
}

/// Puts the prompt through the template and moves the ranges to where its text went.
void apply_template(PromptText& prompt, const eval::ChatSettings& chat) {
  std::vector<text::ChatMessage> messages;
  if (!chat.system.empty()) {
    messages.push_back({"system", chat.system});
  }
  messages.push_back({"user", prompt.text});
  std::string rendered = chat.chat_template->render(messages);
  const std::size_t at = rendered.rfind(prompt.text);
  if (at == std::string::npos) {
    raise(ErrorCode::kUnsupported,
          "the chat template changes the message, so what is written where cannot be told; leave "
          "the template out");
  }
  prompt.text = std::move(rendered);
  for (TextRange& document : prompt.documents) {
    shift(document, at);
  }
  shift(prompt.question, at);
}

}  // namespace

std::string document_header(std::size_t number, std::string_view title) {
  return title.empty() ? fmt::format("Document [{}]\n", number)
                       : fmt::format("Document [{}] (Title: {})\n", number, title);
}

PromptText build_prompt(std::string_view question,
                        std::span<const PromptDocument> documents,
                        const PromptSettings& settings) {
  PromptText out;
  if (settings.chat.chat_template == nullptr && !settings.chat.system.empty()) {
    out.text = settings.chat.system + "\n\n";
  }
  out.text += instruction(!documents.empty(), settings) + "\n\n";
  if (settings.shows_example) {
    out.text += example(!documents.empty(), settings);
  }
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const auto& [title, text] = documents[i];
    out.text += document_header(i + 1, title);
    out.documents.push_back(append(out.text, text));
    out.text += "\n\n";
  }
  out.text += "Question: ";
  out.question = append(out.text, question);
  out.text += "\nAnswer:";
  if (settings.chat.chat_template != nullptr) {
    apply_template(out, settings.chat);
  }
  return out;
}

Result<TokenizedPrompt> tokenize_prompt(const PromptText& prompt,
                                        const text::Tokenizer& tokenizer,
                                        bool add_bos) {
  TokenizedPrompt out;
  out.tokens = eval::encode_with_bos(tokenizer, prompt.text, add_bos);
  const auto begins = token_begins(tokenizer, out.tokens, prompt.text);
  if (!begins) {
    return begins.failure();
  }
  for (const TextRange& document : prompt.documents) {
    out.documents.push_back(tokens_within(*begins, document));
  }
  out.question = tokens_within(*begins, prompt.question);
  return out;
}

std::string prompt_protocol(const PromptSettings& settings) {
  std::string out = "documents with numbers and titles";
  if (settings.chat.chat_template != nullptr) {
    out += ", chat template";
  }
  if (!settings.chat.system.empty()) {
    out += fmt::format(", system message \"{}\"", settings.chat.system);
  }
  if (settings.shows_example) {
    out += ", a worked example in front";
  }
  if (settings.allows_abstention) {
    out += ", may say \"I don't know\"";
  }
  if (settings.asks_citations) {
    out += ", asked for citations";
  }
  return out;
}

}  // namespace nibble::rag
