/// Dense linear algebra of the methods that look at second moments, over OpenBLAS.
///
/// Layout     row-major. Of a symmetric matrix only the upper triangle is read and written, except
///            where said
/// Precision  `add_gram` and `add_cross` in float32 within a run of 128 tokens, in float64 from
///            run to run. What a run rounds of sum[i, j] is at most 128 * 2^-24 (7.6e-6) of the
///            root of sum[i, i] * sum[j, j], from 5e-8 to 5e-7 of it in practice, and does not grow
///            with the number of tokens; their inputs are float32 with errors of that size. Sums in
///            float32 all the way lose what small tokens add to a large one, and with it positive
///            definiteness. Activations beyond 1.8e19 overflow, inputs below 3e-23 count as dead.
///            `factor_inverse` in float64
/// Threads    functions that take a pool are split into fixed tiles: equal results for any number
///            of threads. The others run in the caller and may be called from tasks
/// Errors     std::bad_alloc
/// Source     OpenBLAS (BLAS level 3, LAPACK dpotrf and dtrtri)
#pragma once

#include "base/thread_pool.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

/// sum += x^T x;   x [tokens, n], sum [n, n]
void add_gram(MatrixView<const float> x, MatrixView<double> sum, ThreadPool& pool);

/// sum += a^T b;   a, b [tokens, n], sum [n, n], all of it
void add_cross(MatrixView<const float> a,
               MatrixView<const float> b,
               MatrixView<double> sum,
               ThreadPool& pool);

/// Copies the upper triangle to the lower one.
void mirror_upper(MatrixView<double> a) noexcept;

/// Replaces a symmetric positive definite `a` (both triangles) by the upper triangular U with
/// inverse(a) = U^T U; zeros below the diagonal. False, with `a` spoilt, where `a` is not positive
/// definite. One factorisation: with the rows and columns of a reversed, a = R R^T for an upper R,
/// and U = inverse(R).
[[nodiscard]] bool factor_inverse(MatrixView<double> a);

/// c -= a b;   a [m, k], b [k, n], c [m, n]
void subtract_product(MatrixView<const float> a, MatrixView<const float> b, MatrixView<float> c);

/// Sum over rows of d h d^T;   d [rows, n], h [n, n] both triangles. Products in float32, sums over
/// rows and columns in float64.
double weighted_square(MatrixView<const float> d, MatrixView<const float> h, ThreadPool& pool);

}  // namespace nibble::quant
