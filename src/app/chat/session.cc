#include "app/chat/session.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace nibble::app {
namespace {

constexpr std::size_t kBatchTokens = 512;  // of a prompt in one forward pass
constexpr std::size_t kLeastShare = 4;     // of the context that an answer may take: a quarter
constexpr text::TokenId kNoToken = -1;

text::ChatTemplate template_of(const model::LoadedModel& loaded) {
  if (loaded.chat_template.empty()) {
    raise(ErrorCode::kInvalidArgument,
          "the model has no chat template; give --prompt to have a text continued");
  }
  return text::ChatTemplate::parse(loaded.chat_template, text::chat_tokens(*loaded.tokenizer))
      .take();
}

std::size_t cache_bytes(const model::LanguageModel& model) {
  const model::KvCache probe = model.make_cache(0);
  // A fork shares its pages with what it came from for a moment.
  return 2 * probe.bytes_for(model.config().context, kBatchTokens);
}

}  // namespace

ChatSession::ChatSession(const model::LoadedModel& loaded,
                         std::string_view system,
                         std::size_t max_tokens)
    : loaded_(loaded),
      template_(template_of(loaded)),
      max_tokens_(std::min(max_tokens, loaded.model->config().context / kLeastShare)),
      cache_(loaded.model->make_cache(cache_bytes(*loaded.model))),
      sequence_(cache_.create()) {
  set_system(system);
}

void ChatSession::reset() {
  messages_.resize(n_system_);
}

void ChatSession::set_system(std::string_view system) {
  messages_.clear();
  if (!system.empty()) {
    messages_.push_back({"system", std::string(system)});
  }
  n_system_ = messages_.size();
}

ChatAnswer ChatSession::answer(std::string_view message,
                               FunctionRef<void(std::string_view)> on_text,
                               FunctionRef<bool()> wants_stop) {
  ChatAnswer out;
  messages_.push_back({"user", std::string(message)});
  try {
    const std::vector<text::TokenId> prompt = fitting_prompt(out.n_left_out);
    keep_common(prompt);
    out.n_read = prompt.size() - cached_.size();
    if (read(prompt, wants_stop)) {
      write(prompt.back(), out, on_text, wants_stop);
    } else {
      out.is_stopped = true;
    }
  } catch (const Error&) {
    messages_.pop_back();
    throw;
  }
  messages_.push_back({"assistant", out.text});
  return out;
}

std::vector<text::TokenId> ChatSession::encode(std::size_t n_left_out) const {
  std::vector<text::ChatMessage> read(messages_.begin(),
                                      messages_.begin() + static_cast<std::ptrdiff_t>(n_system_));
  read.insert(read.end(),
              messages_.begin() + static_cast<std::ptrdiff_t>(n_system_ + n_left_out),
              messages_.end());
  std::vector<text::TokenId> out =
      loaded_.tokenizer->encode(template_.render(read), text::AddSpecial::kNo).take();
  const text::SpecialTokens& special = loaded_.tokenizer->special();
  if (special.add_bos && special.bos && (out.empty() || out.front() != *special.bos)) {
    out.insert(out.begin(), *special.bos);  // most templates write it themselves
  }
  return out;
}

std::vector<text::TokenId> ChatSession::fitting_prompt(std::size_t& n_left_out) const {
  const std::size_t context = loaded_.model->config().context;
  for (n_left_out = 0;; n_left_out += 2) {  // a question and its answer
    std::vector<text::TokenId> out = encode(n_left_out);
    if (out.empty()) {
      raise(ErrorCode::kInvalidArgument, "the chat template makes nothing of the messages");
    }
    if (out.size() + max_tokens_ <= context) {
      return out;
    }
    if (n_system_ + n_left_out + 1 >= messages_.size()) {
      raise(
          ErrorCode::kInvalidArgument,
          "the message has {} tokens with what the template adds; a context of {} leaves room for "
          "{} before an answer of {}",
          out.size(),
          context,
          context - max_tokens_,
          max_tokens_);
    }
  }
}

/// Leaves in the cache what the prompt begins with, all but its last token.
void ChatSession::keep_common(std::span<const text::TokenId> prompt) {
  const auto [end, unused] = std::ranges::mismatch(cached_, prompt.first(prompt.size() - 1));
  const auto n = static_cast<std::size_t>(end - cached_.begin());
  if (n == cached_.size()) {
    return;
  }
  const bool can_keep = n > 0 && cache_.can_fork(sequence_, n);
  const model::SequenceId next = can_keep ? cache_.fork(sequence_, n) : cache_.create();
  cache_.drop(sequence_);
  sequence_ = next;
  cached_.resize(can_keep ? n : 0);
}

/// All of the prompt but its last token; false where the person stopped it.
bool ChatSession::read(std::span<const text::TokenId> prompt, FunctionRef<bool()> wants_stop) {
  while (cached_.size() + 1 < prompt.size()) {
    if (wants_stop()) {
      return false;
    }
    const std::size_t n = std::min(prompt.size() - 1 - cached_.size(), kBatchTokens);
    const model::SequenceChunk chunk{sequence_, prompt.subspan(cached_.size(), n)};
    loaded_.model->forward({&chunk, 1}, cache_, {}, {nullptr, 0, loaded_.model->config().hidden});
    cached_.insert(cached_.end(), chunk.tokens.begin(), chunk.tokens.end());
  }
  return true;
}

void ChatSession::write(text::TokenId last,
                        ChatAnswer& answer,
                        FunctionRef<void(std::string_view)> on_text,
                        FunctionRef<bool()> wants_stop) {
  const std::vector<text::TokenId>& ends = loaded_.tokenizer->special().end_of_generation;
  text::StreamDecoder decoder(*loaded_.tokenizer);
  const auto tell = [&](const std::string& text) {
    answer.text += text;
    if (!text.empty()) {
      on_text(text);
    }
  };
  while (!(answer.is_stopped = wants_stop())) {
    last = next_token(last);
    if (last == kNoToken || std::ranges::find(ends, last) != ends.end()) {
      answer.reason =
          last == kNoToken ? model::StopReason::kNotFinite : model::StopReason::kEndToken;
      break;
    }
    tell(decoder.push(last));
    if (++answer.n_tokens >= max_tokens_) {
      answer.reason = model::StopReason::kLimit;
      break;
    }
  }
  tell(decoder.finish());
}

/// The likeliest token behind `last`, which is read; kNoToken where no logit is finite.
text::TokenId ChatSession::next_token(text::TokenId last) {
  const model::ModelConfig& config = loaded_.model->config();
  hidden_.resize(config.hidden);
  logits_.resize(config.vocab);
  const model::SequenceChunk chunk{sequence_, {&last, 1}};
  const std::uint32_t row = 0;
  const MatrixView<float> hidden(hidden_.data(), 1, config.hidden);
  loaded_.model->forward({&chunk, 1}, cache_, {&row, 1}, hidden);
  cached_.push_back(last);
  loaded_.model->head(hidden, {logits_.data(), 1, config.vocab});
  const auto best = std::ranges::max_element(logits_);
  return std::isfinite(*best) ? static_cast<text::TokenId>(best - logits_.begin()) : kNoToken;
}

}  // namespace nibble::app
