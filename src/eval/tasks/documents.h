/// Perplexity of whole documents, each scored from its first token on behind the prefix token
/// (lm-eval's rolling log-likelihood).
///
///   word_perplexity = exp(sum of nll / words);  byte_perplexity = exp(sum of nll / bytes)
///   bits_per_byte = sum of nll / (bytes * ln 2);  perplexity = exp(sum of nll / tokens)
///
/// Words and bytes may be those of another form of the text (WikiText counts before
/// detokenization).
///
/// Source     lm-evaluation-harness 0.4.13 `wikitext`
#pragma once

#include <string>
#include <vector>

#include "eval/task.h"

namespace nibble::eval {

struct Document {
  std::string id;
  std::string text;  ///< what is scored
  std::size_t n_words = 0;
  std::size_t n_bytes = 0;
};

class DocumentTask final : public Task {
 public:
  /// `headline` is the metric listed first: "word_perplexity" or "perplexity".
  DocumentTask(TaskInfo info,
               std::string_view headline,
               std::vector<Document> documents,
               std::size_t max_window);

  [[nodiscard]] const TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return documents_.size(); }
  [[nodiscard]] Sample sample(std::size_t index) const override;
  [[nodiscard]] SampleResult score(const Sample& sample,
                                   std::span<const Response> responses) const override;

 private:
  TaskInfo info_;
  std::vector<Document> documents_;
  std::size_t max_window_;
};

}  // namespace nibble::eval
