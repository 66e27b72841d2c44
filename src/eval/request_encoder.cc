#include "eval/request_encoder.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"

namespace nibble::eval {

using text::TokenId;

std::vector<TokenId> encode_with_bos(const text::Tokenizer& tokenizer,
                                     std::string_view text,
                                     bool add_bos) {
  std::vector<TokenId> ids = tokenizer.encode(text, text::AddSpecial::kNo).take();
  const std::optional<TokenId> bos = tokenizer.special().bos;
  if (add_bos && bos && (ids.empty() || ids.front() != *bos)) {
    ids.insert(ids.begin(), *bos);
  }
  return ids;
}

bool begins_with_double_bos(const text::Tokenizer& tokenizer, std::span<const TokenId> ids) {
  const std::optional<TokenId> bos = tokenizer.special().bos;
  return bos && ids.size() >= 2 && ids[0] == *bos && ids[1] == *bos;
}

RequestEncoder::RequestEncoder(const text::Tokenizer& tokenizer,
                               std::size_t max_context,
                               bool add_bos)
    : tokenizer_(tokenizer), max_context_(max_context), add_bos_(add_bos) {}

std::vector<TokenId> RequestEncoder::encode_text(std::string_view text) const {
  return encode_with_bos(tokenizer_, text, add_bos_);
}

TokenId RequestEncoder::prefix_token() const {
  const text::SpecialTokens& special = tokenizer_.special();
  if (!special.bos && !special.eos) {
    raise(ErrorCode::kUnsupported,
          "the tokenizer has neither BOS nor EOS, wanted one of them in front of a text without "
          "context");
  }
  return special.bos ? *special.bos : *special.eos;
}

ScoredInput RequestEncoder::join(std::span<const TokenId> context,
                                 std::span<const TokenId> continuation) const {
  if (continuation.size() > max_context_) {
    raise(ErrorCode::kInvalidArgument,
          "a continuation of {} tokens, wanted at most the context of {}",
          continuation.size(),
          max_context_);
  }
  ScoredInput input;
  if (continuation.empty()) {
    return input;
  }
  input.tokens.assign(context.begin(), context.end());
  input.tokens.insert(input.tokens.end(), continuation.begin(), continuation.end() - 1);
  input.targets.assign(continuation.begin(), continuation.end());
  input.has_double_bos = begins_with_double_bos(tokenizer_, input.tokens);
  if (input.tokens.size() > max_context_) {
    input.n_cut_tokens = input.tokens.size() - max_context_;
    input.tokens.erase(input.tokens.begin(),
                       input.tokens.begin() + static_cast<std::ptrdiff_t>(input.n_cut_tokens));
  }
  input.first_row = input.tokens.size() - input.targets.size();
  return input;
}

ScoredInput RequestEncoder::encode(const LoglikelihoodRequest& request) {
  const std::string context(utf8::rstrip(request.context));
  const std::string continuation = request.context.substr(context.size()) + request.continuation;
  if (context.empty()) {
    const std::vector<TokenId> ids = tokenizer_.encode(continuation, text::AddSpecial::kNo).take();
    const TokenId prefix = prefix_token();
    const bool brings_prefix = !ids.empty() && ids.front() == prefix;
    return join({&prefix, 1}, std::span(ids).subspan(brings_prefix ? 1 : 0));
  }
  if (last_context_ != context) {
    last_context_tokens_ = encode_text(context);
    last_context_ = context;
  }
  const std::vector<TokenId> whole = encode_text(context + continuation);
  const std::size_t boundary = std::min(last_context_tokens_.size(), whole.size());
  return join(last_context_tokens_, std::span(whole).subspan(boundary));
}

std::vector<ScoredInput> RequestEncoder::encode(const RollingRequest& request) const {
  const std::vector<TokenId> tokens = encode_text(request.text);
  const std::size_t max_window =
      request.max_window == 0 ? max_context_ : std::min(request.max_window, max_context_);
  std::vector<ScoredInput> windows;
  const auto at = [&](std::size_t index) {
    return tokens.begin() + static_cast<std::ptrdiff_t>(index);
  };
  for (std::size_t done = 0; done < tokens.size();) {
    const std::size_t end = std::min(done + max_window, tokens.size());
    ScoredInput window;
    if (done == 0) {
      window.tokens.push_back(prefix_token());
      window.tokens.insert(window.tokens.end(), tokens.begin(), at(end - 1));
    } else {
      window.tokens.assign(at(end - 1 - max_window), at(end - 1));
    }
    window.targets.assign(at(done), at(end));
    window.first_row = window.tokens.size() - window.targets.size();
    windows.push_back(std::move(window));
    done = end;
  }
  return windows;
}

ScoredInput RequestEncoder::encode(const WindowRequest& request) const {
  const std::vector<TokenId>& tokens = request.tokens;
  if (tokens.size() > max_context_) {
    raise(ErrorCode::kInvalidArgument,
          "a window of {} tokens, wanted at most the context of {}",
          tokens.size(),
          max_context_);
  }
  if (request.first_scored == 0 || request.first_scored >= tokens.size()) {
    raise(ErrorCode::kInvalidArgument,
          "a window of {} tokens scored from token {}, wanted from 1 to {}",
          tokens.size(),
          request.first_scored,
          tokens.empty() ? 0 : tokens.size() - 1);
  }
  ScoredInput input;
  input.tokens.assign(tokens.begin(), tokens.end() - 1);
  input.first_row = request.first_scored - 1;
  input.targets.assign(tokens.begin() + static_cast<std::ptrdiff_t>(request.first_scored),
                       tokens.end());
  return input;
}

std::vector<TokenId> RequestEncoder::encode(const GenerationRequest& request) const {
  std::vector<TokenId> ids = encode_text(request.prompt);
  if (ids.empty()) {
    ids.push_back(prefix_token());
  }
  return ids;
}

}  // namespace nibble::eval
