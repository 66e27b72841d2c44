/// From masses of layers and heads to one number for each document.
///
///   m_j = mean over heads and rows of mass[layer, head, row, span of j]
///   share        p_j = m_j / sum_i m_i
///   density      r_j = (m_j / len_j) / sum_i (m_i / len_i)
///   calibrated   c_j = r_j - r_j of a query without content, or the mean of r at the same slot
///                over other orders of the documents
///
/// A layer counts for a row where it sees every token of every document: what lies outside a window
/// is missing, never 0. A row that no layer of the set counts for has no masses.
///
/// Shapes     documents are numbers of the probe's spans, in the order of the prompt; results
///            [documents]
/// Errors     kInvalidArgument: no heads, no documents, no rows, lengths that do not fit; kInternal
///            for a row that was not measured
/// Source     reference/evaluation.md 4.2; calibration: Hsieh et al. 2024, arXiv 2406.16008; Chen
///            et al. 2024, arXiv 2410.02642
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "model/attention_mass.h"
#include "rag/attention/heads.h"

namespace nibble::rag {

using Scores = std::vector<double>;  ///< [documents]

/// Whose attention: the average over these rows and heads.
struct View {
  std::span<const std::size_t> rows;  ///< numbers of the mass's rows
  const HeadSet& heads;
};

inline constexpr std::size_t kToTheEnd = std::numeric_limits<std::size_t>::max();

/// Measured rows whose positions lie in [begin, end).
std::vector<std::size_t> measured_rows(const model::AttentionMass& mass,
                                       std::size_t begin,
                                       std::size_t end = kToTheEnd);

/// m_j; nullopt where a row has none.
std::optional<Scores> document_masses(const model::AttentionMass& mass,
                                      const View& view,
                                      std::span<const std::size_t> documents);

/// Tokens of each document that the row sees over all of theirs, averaged over the layers of the
/// heads: 1 where no window is in the way.
double reachable_share(const model::AttentionMass& mass,
                       const View& view,
                       std::span<const std::size_t> documents);

/// Mass of any spans together: sinks, template, question.
double spans_mass(const model::AttentionMass& mass,
                  const View& view,
                  std::span<const std::size_t> spans);

/// nullopt where all masses are 0.
std::optional<Scores> share(std::span<const double> masses);
/// `lengths` in tokens, above 0.
std::optional<Scores> density(std::span<const double> masses, std::span<const std::size_t> lengths);
Scores calibrated(std::span<const double> density, std::span<const double> baseline);

}  // namespace nibble::rag
