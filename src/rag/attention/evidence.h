/// One question's prompt and answer as what is to be measured, and what the masses say of it.
///
/// Spans that are measured: the first tokens, which draw attention whatever they say (sinks), each
/// document, the question, the template between them, and the answer. Together they cover all keys.
/// Rows: the prompt's last token (step 0), the question's tokens, every token of the answer.
///
/// Shapes     documents in the order of the prompt
/// Units      positions of tokens
/// Errors     kInvalidArgument: no documents, documents that do not ascend or leave the prompt, no
///            gold or gold that is none of them, a last token that was not measured
/// Source     reference/evaluation.md 4.1 to 4.6
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "model/attention_mass.h"
#include "rag/attention/document_mass.h"
#include "rag/attention/drift.h"
#include "rag/attention/heads.h"

namespace nibble::rag {

inline constexpr std::size_t kSinkTokens = 4;

struct EvidenceLayout {
  std::size_t n_prompt = 0;                 ///< tokens
  std::vector<model::TokenSpan> documents;  ///< their text, ascending and disjoint
  model::TokenSpan question{};              ///< behind or in front of the documents; may be empty
  std::vector<std::size_t> gold;            ///< numbers of documents
};

/// A probe, and which of its spans are what.
struct EvidenceProbe {
  model::AttentionProbe probe;
  std::vector<std::size_t> documents, sinks, templates, questions, answers;
};

/// Rows of the question only `with_question`; of the answer always.
EvidenceProbe evidence_probe(const EvidenceLayout& layout, bool with_question = true);

/// What the attention of some rows says; nothing where no layer saw all documents.
struct EvidenceScores {
  Scores share, density;
  double precision_at_1 = 0.0, gold_rank = 0.0;  ///< by density
  double gini = 0.0, entropy = 0.0;              ///< of density; NaN for one document
  double gold_mass = 0.0, gold_lift = 0.0;       ///< of share; of density
};

/// `mass` was measured with the layout's probe.
std::optional<EvidenceScores> evidence_scores(const model::AttentionMass& mass,
                                              const EvidenceLayout& layout,
                                              const EvidenceProbe& probe,
                                              const View& view);

struct EvidenceReading {
  std::optional<EvidenceScores> last;      ///< of the prompt's last token
  std::optional<EvidenceScores> question;  ///< of the mean over the question's tokens
  std::optional<DriftSummary> drift;       ///< where the answer has a measured token
  double reachable = 1.0;                  ///< of the documents, from the prompt's last token
  std::optional<double> document_mass;     ///< as `last`
  double sink_mass = 0.0, template_mass = 0.0;
};

/// Likewise, of all that there is.
EvidenceReading read_evidence(const model::AttentionMass& mass,
                              const EvidenceLayout& layout,
                              const EvidenceProbe& probe,
                              const HeadSet& heads);

}  // namespace nibble::rag
