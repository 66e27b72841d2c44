/// Orthogonal transforms of plus and minus ones, and their fast products.
///
///   y = x H / sqrt(n),   H^T = B (x) W,   n = base * block
///
/// W is the Walsh-Hadamard matrix of a power of two, in butterflies; B a Hadamard matrix of order
/// `base`, by Paley's constructions: with C the matrix of quadratic residues of a prime q,
///
///   q = 3 mod 4   order q + 1:        row 0 (1, -1 … -1), other rows (1, 1 + C[j, i])
///   q = 1 mod 4   order 2 (q + 1):    [S + 1, S - 1; S - 1, -S - 1], S = [0, 1; 1, C]
///
/// which are the tables of QuIP# and QuaRot where golden data have them (12, 36).
///
/// A transform of n falls into one within runs of `run` columns and one across them, in any order:
///
///   B (x) W = (B (x) W' (x) I) (I (x) W''),   W = W' (x) W'',   W'' of order `run`
///
/// so that a part of it can be done beforehand, and the rest later.
///
/// Shapes     x [n], in place
/// Precision  float32 sums; |y - exact| <= 1e-6 * |x|
/// Threads    reentrant
/// Errors     none
/// Source     Paley 1933; Ashkboos et al. 2024, arXiv 2404.00456
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace nibble::kernels {

/// Matrices of larger order cost as much as a linear layer.
inline constexpr std::size_t kMostHadamardBase = 256;

struct Hadamard {
  std::size_t n = 1;
  std::size_t base = 1;
  std::size_t block = 1;     ///< a power of two
  std::size_t run = 1;       ///< columns that are not mixed with one another; divides `block`
  std::vector<float> signs;  ///< [base, base]; empty with base 1
  float scale = 1.0F;        ///< 1 / sqrt(n / run)
};

/// The one of exactly n; nullopt when no base up to kMostHadamardBase gives it.
std::optional<Hadamard> exact_hadamard(std::size_t n);
/// For rows of n: the exact one, or else the largest power of two that divides n, to be applied
/// side by side.
Hadamard hadamard_for(std::size_t n);
/// The part of hadamard_for(n) across runs of columns, each as long as powers of two let it be that
/// lie within `width` columns; hadamard_for(result.run) is the other part.
Hadamard hadamard_across(std::size_t n, std::size_t width);

struct HadamardKernels {
  void (*transform)(const Hadamard& h, float* x) noexcept;
};

}  // namespace nibble::kernels
