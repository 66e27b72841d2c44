/// GPTAQ: the free inputs of GPTQ also make up for what the layers before have lost.
///
/// For inputs x that come out of quantized layers, GPTQ holds the quantized V x to W x. GPTAQ holds
/// it to W y, where y are the inputs in the original model. The part of the difference that belongs
/// to input i is w[i] (y[i] - x[i]); the inputs F behind it in the order take it over as well as
/// they can:
///
///   w[F] += alpha * w[i] * D[i, F] inverse(H[F, F]),   D = sum over tokens of (y - x)^T x
///
/// and all of these rows together are P = alpha * upper(D U^T) U, where inverse(H) = U^T U and
/// upper() keeps what lies above the diagonal.
///
/// Shapes     cross [cols, cols]: D, in the natural order, times the factor of H; u [cols, cols] in
///            the order of the places; P likewise
/// Precision  float32
/// Threads    split by tiles over `pool`; the result does not depend on its size
/// Source     Li et al. 2025, arXiv 2504.02692; alpha = 0.25 is GPTQModel's
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

std::vector<float> asymmetry_moves(MatrixView<const double> cross,
                                   std::span<const std::uint32_t> order,
                                   MatrixView<const float> u,
                                   double alpha,
                                   ThreadPool& pool);

}  // namespace nibble::quant
