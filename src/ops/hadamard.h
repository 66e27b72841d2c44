/// Hadamard transforms of the rows of a matrix.
///
/// Precision  float32; the bits of a row do not depend on the rows beside it
/// Threads    split over rows; reentrant for distinct x
/// Errors     kShapeMismatch when the columns are no multiple of the transform
/// Source     Ashkboos et al. 2024, arXiv 2404.00456
#pragma once

#include "base/thread_pool.h"
#include "kernels/hadamard.h"
#include "tensor/matrix_view.h"

namespace nibble::ops {

using kernels::Hadamard;
using kernels::hadamard_across;
using kernels::hadamard_for;

/// x = x H, scaled to be orthogonal, for each h.n columns of each row.
void hadamard_in_place(const Hadamard& h, MatrixView<float> x, ThreadPool& pool);

}  // namespace nibble::ops
