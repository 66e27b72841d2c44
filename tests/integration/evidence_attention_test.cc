/// Whether what is measured is what it is called: a model that finds a fact among documents looks at
/// the document that has it. Ten invented documents that differ by names alone, the gold one at
/// every position; heads are chosen on half of the questions and judged on the other half.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "model/load.h"
#include "rag/answer/prompt.h"
#include "rag/attention/evidence.h"
#include "support/files.h"

namespace nibble::rag {
namespace {

constexpr std::size_t kDocuments = 10;
constexpr std::array kTowns = {"Velbrand",
                               "Ostmark",
                               "Quillon",
                               "Tarsey",
                               "Mirrow",
                               "Hadleigh",
                               "Borrin",
                               "Cansley",
                               "Drumore",
                               "Ellisport"};
constexpr std::array kPlaces = {"an old mill",
                                "the north tower",
                                "a converted chapel",
                                "the harbour gate",
                                "a glass hall",
                                "the school attic",
                                "a stone barn",
                                "the railway inn",
                                "a garden house",
                                "the city cellar"};

/// The prompt of one town, its documents turned so that the gold one stands at `slot`.
class Question {
 public:
  Question(const text::Tokenizer& tokenizer, std::size_t town, std::size_t slot) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < kDocuments; ++i) {
      const std::size_t other = (town + kDocuments - slot + i) % kDocuments;
      texts.push_back(
          fmt::format("The archive of {} is kept in {}. It was founded in {} and is open "
                      "to visitors on weekdays. Its records reach back many years.",
                      kTowns[other],
                      kPlaces[(other * 3 + 1) % kDocuments],
                      1800 + 7 * other));
    }
    std::vector<PromptDocument> documents;
    for (const std::string& text : texts) {
      documents.push_back({"Archives", text});
    }
    const auto asked = fmt::format("Where is the archive of {} kept?", kTowns[town]);
    const TokenizedPrompt prompt =
        tokenize_prompt(build_prompt(asked, documents, {}), tokenizer, false).take();
    tokens = prompt.tokens;
    layout.n_prompt = tokens.size();
    for (const TokenRange& range : prompt.documents) {
      layout.documents.push_back({range.begin, range.end});
    }
    layout.question = {prompt.question.begin, prompt.question.end};
    layout.gold = {slot};
  }

  std::vector<text::TokenId> tokens;
  EvidenceLayout layout;
};

struct Judged {
  double precision = 0.0, lift = 0.0;
};

class EvidenceAttention : public ::testing::Test {
 protected:
  void load(const std::filesystem::path& path) {
    loaded_ =
        model::load_model(path, {Arithmetic::kDeterministic}, pool_, silent_progress()).take();
    for (std::size_t i = 0; i < 2 * kDocuments; ++i) {
      const Question question(*loaded_.tokenizer, i * 7 % kDocuments, i % kDocuments);
      probes_.push_back(evidence_probe(question.layout));
      layouts_.push_back(question.layout);
      masses_.push_back(
          model::measure_attention(*loaded_.model, question.tokens, probes_.back().probe));
    }
  }
  /// The share of heads with the most gold mass on the first half.
  [[nodiscard]] HeadSet chosen(double share) const {
    HeadChoice choice(masses_[0].n_layers(), masses_[0].n_heads());
    for (std::size_t i = 0; i < kDocuments; ++i) {
      const std::vector<std::size_t> gold = {probes_[i].documents[layouts_[i].gold[0]]};
      choice.add(masses_[i], *masses_[i].find_row(layouts_[i].n_prompt - 1), gold);
    }
    return choice.best(share);
  }
  /// Means over the second half.
  [[nodiscard]] Judged judge(const HeadSet& heads) const {
    Judged out;
    for (std::size_t i = kDocuments; i < 2 * kDocuments; ++i) {
      const EvidenceReading reading = read_evidence(masses_[i], layouts_[i], probes_[i], heads);
      out.precision += reading.last->precision_at_1 / kDocuments;
      out.lift += reading.last->gold_lift / kDocuments;
    }
    return out;
  }

  ThreadPool pool_{2};
  model::LoadedModel loaded_;
  std::vector<EvidenceLayout> layouts_;
  std::vector<EvidenceProbe> probes_;
  std::vector<model::AttentionMass> masses_;
};

/// The demo model has one head that looks from the prompt's last token at the document that the
/// question names; the average over all heads hides it.
TEST_F(EvidenceAttention, OfTheHeadChosenOnOtherQuestionsFallsOnTheDocumentThatAnswers) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  load(path);
  const std::size_t n_layers = masses_[0].n_layers();
  const std::size_t n_heads = masses_[0].n_heads();
  const Judged all = judge(all_heads(n_layers, n_heads));
  const HeadSet best = chosen(1.0 / static_cast<double>(n_layers * n_heads));
  ASSERT_EQ(best.size(), 1U);
  const Judged one = judge(best);
  EXPECT_GE(one.precision, 0.8) << "head " << best[0].head << " of layer " << best[0].layer;
  EXPECT_GT(one.lift, 4.0);
  EXPECT_LT(all.lift, 1.5);
  const Judged retrieval = judge(chosen(0.05));
  EXPECT_GT(retrieval.lift, all.lift);
}

}  // namespace
}  // namespace nibble::rag
