/// Where a model looked while it answered one question: what a store keeps of it, and the scores
/// that follow at once.
///
///   last        masses of the prompt's last token, by layer and head
///   question    mean over the question's tokens and heads, by layer
///   steps       mean over all heads for the prompt's last token (step 0) and for the tokens of an
///               answer that is given: the reference's, so that models read the same words
///   own_steps   likewise for the model's own answer; empty where that is what `steps` are of
///
/// A layer that does not see every token of every document has no masses: NaN.
///
/// Shapes     row-major; documents in the order of the prompt
/// Layout     packed: version, sizes, documents, answer, `last` in float16, the rest in float32,
///            all little-endian
/// Precision  `last` loses to 11 bits, masses below 6e-5 more; scores are made before that
/// Errors     unpack: kCorruptData
/// Source     reference/evaluation.md 4.2, 4.6
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "eval/metric.h"
#include "eval/request.h"
#include "rag/answer/context.h"
#include "rag/attention/evidence.h"

namespace nibble::rag {

/// An answer of fewer tokens has no drift to speak of.
inline constexpr std::size_t kLeastDriftTokens = 4;

struct AttendedDocument {
  std::uint32_t begin = 0, end = 0;  ///< bytes of its text in the prompt
  std::uint32_t n_tokens = 0;
  bool is_gold = false;
};

struct AttentionRecord {
  std::size_t n_layers = 0, n_heads = 0;
  std::vector<AttendedDocument> documents;
  std::vector<std::int32_t> answer;  ///< tokens that the model generated
  std::vector<float> last;           ///< [n_layers, n_heads, documents]
  std::vector<float> question;       ///< [n_layers, documents]
  std::vector<float> sinks;          ///< [n_layers], of the prompt's last token
  std::vector<float> steps;          ///< [steps, documents]
  std::vector<float> own_steps;      ///< likewise

  [[nodiscard]] std::vector<std::size_t> gold() const;
  /// Masses of a step.
  [[nodiscard]] std::vector<double> step(std::size_t index) const;
  [[nodiscard]] std::size_t n_steps() const noexcept {
    return documents.empty() ? 0 : steps.size() / documents.size();
  }
};

std::string pack(const AttentionRecord& record);
Result<AttentionRecord> unpack_attention(std::string_view packed);

/// Asks for an answer and for what there is to record; there must be a gold document.
eval::EvidenceRequest attention_request(const Context& context,
                                        std::size_t max_tokens,
                                        const std::vector<std::string>& stop);

/// What a response to such a request says.
struct AttentionResult {
  AttentionRecord record;
  eval::SampleScores scores;
};
AttentionResult read_attention(const Context& context, const eval::EvidenceResponse& response);

/// Rows of the metrics that `read_attention` fills; some have no value for short answers.
std::vector<eval::MetricRow> attention_metrics();
/// The same without any value: what a sample without gold documents has.
eval::SampleScores no_attention_scores();

/// Where the context's parts stand, as the probe wants them.
EvidenceLayout evidence_layout(const Context& context);

}  // namespace nibble::rag
