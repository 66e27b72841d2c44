/// What the pictures of a group of tasks show of one variant: its attention by layer and position
/// of the right document, what becomes of questions on the way from search to answer, and how like
/// the reference's its heads look.
///
/// Counted over all answers of the group whose task measures attention; what is kept of each
/// question is small (PictureMaker), so records of attention are read one at a time.
///
/// Shapes     shares [n_layers, kDepths], row-major; means over heads at the prompt's last token
/// Precision  NaN where nothing was measured
/// Source     reference/evaluation.md 4.2, 4.3; rag/attention
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "eval/stats/interval.h"
#include "rag/answer/attention_record.h"
#include "rag/attention/head_agreement.h"
#include "report/answers/values.h"

namespace nibble::report {

/// Answers that came so far; each is among those before it.
struct Funnel {
  std::size_t asked = 0;
  std::size_t retrieved = 0;  ///< a right document stood in the prompt
  std::size_t attended = 0;   ///< and it had the highest density of attention
  std::size_t answered = 0;   ///< and the answer was right
  std::size_t right = 0;      ///< all right answers, whatever was looked at
};

struct GoldShares {
  std::size_t n_layers = 0;
  std::vector<double> shares{};  ///< of the right documents in the attention to all documents
  std::array<std::size_t, kDepths> n{};  ///< answers at each depth
};

/// Intervals resample questions.
struct HeadLikeness {
  eval::stats::Interval agreement{};    ///< agreement@1, mean over heads
  eval::stats::Interval divergence{};   ///< Jensen-Shannon, bits
  eval::stats::Interval sink_change{};  ///< of the mass on the first tokens, variant less reference
  std::vector<double> divergence_of_layers{};
};

struct AttentionPictures {
  Funnel funnel{};
  GoldShares gold{};
  std::optional<HeadLikeness> likeness{};  ///< none for the reference
};

/// One answer of a variant.
struct PicturedAnswer {
  const std::string& question;                ///< its id
  const rag::AttentionRecord* own = nullptr;  ///< nullptr: no right document in the prompt
  const rag::AttentionRecord* reference = nullptr;
  bool is_attended = false, is_right = false;
};

class PictureMaker {
 public:
  void add(const PicturedAnswer& answer);
  [[nodiscard]] AttentionPictures take() const;

 private:
  struct Sum {
    double sum = 0;
    std::size_t n = 0;
  };
  /// Of a question, over all lengths and positions at which it was asked.
  struct QuestionLikeness {
    Sum agreement, divergence, sink_change;
  };
  void add_gold(const rag::AttentionRecord& record);
  void add_likeness(const PicturedAnswer& answer);
  [[nodiscard]] eval::stats::Interval over_questions(Sum QuestionLikeness::*of) const;

  Funnel funnel_;
  std::vector<Sum> shares_;
  std::array<std::size_t, kDepths> n_{};
  std::optional<rag::HeadAgreement> heads_;
  std::map<std::string, QuestionLikeness> questions_;
};

}  // namespace nibble::report
