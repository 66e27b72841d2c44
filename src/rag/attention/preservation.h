/// Whether attention falls on the documents that answer the question, for one example, and how two
/// models' attention to the same documents compares.
///
///   precision@1    |arg-max documents that are gold| / |arg-max documents|      chance |G| / n
///   gold rank      1 + #{j: a_j > a_g} + #{j != g: a_j = a_g} / 2, the best of the gold ones
///   gini           2 sum_i i a_(i) / (n sum a) - (n + 1) / n, ascending a_(i); in [0, (n - 1) / n]
///   entropy        -sum p ln p / ln n, in [0, 1]
///   gold lift      mean over gold of r_g n
///   agreement@1    |A and B| / |A or B| of the two arg-max sets: 1 or 0 without ties
///   js_divergence  (KL(p | m) + KL(q | m)) / 2, m = (p + q) / 2, base 2; in [0, 1]
///   variation      sum_j |p_j - q_j| / 2
///
/// Shapes     scores [documents]; gold: numbers of documents, not empty
/// Requires   gini: scores not below 0; entropy, divergence, variation: distributions
/// Precision  gini is NaN where all scores are 0; entropy where there is one document
/// Errors     kInvalidArgument: no documents, no gold, gold that is none of the documents, scores
///            of different numbers
/// Source     reference/evaluation.md 4.3; Lin 1991 (Jensen-Shannon)
#pragma once

#include <cstddef>
#include <span>

namespace nibble::rag {

using Gold = std::span<const std::size_t>;

double precision_at_1(std::span<const double> scores, Gold gold);
double gold_rank(std::span<const double> scores, Gold gold);
/// Sum over gold of `shares`.
double gold_mass(std::span<const double> shares, Gold gold);
double gold_lift(std::span<const double> densities, Gold gold);

double gini(std::span<const double> scores);
/// Times n / (n - 1), so that examples of different numbers of documents compare; NaN for one.
double gini_scaled(std::span<const double> scores);
double normalized_entropy(std::span<const double> shares);

double agreement_at_1(std::span<const double> a, std::span<const double> b);
double js_divergence(std::span<const double> p, std::span<const double> q);
double variation(std::span<const double> p, std::span<const double> q);

}  // namespace nibble::rag
