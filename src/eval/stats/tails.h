/// Tails of distributions, for p-values.
///
/// Precision  relative error below 1e-12 where the value is above 1e-300
/// Errors     none; NaN for NaN or for degrees of freedom that are not above 0
/// Source     continued fractions of the incomplete beta and gamma functions: Abramowitz and Stegun
///            1964, 26.5.8 and 6.5.31, evaluated as Lentz 1976 does
#pragma once

namespace nibble::eval::stats {

/// Chance that a standard normal is at least |z| away from 0.
double normal_two_sided(double z) noexcept;
/// Chance that Student's t with `freedom` degrees is at least |t| away from 0.
double student_two_sided(double t, double freedom) noexcept;
/// Chance that chi-squared with `freedom` degrees is at least `x`.
double chi_squared_upper(double x, double freedom) noexcept;

}  // namespace nibble::eval::stats
