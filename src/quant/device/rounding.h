/// A matrix on a device whose rounding is tuned; solve/rounding_tuner.h says how.
///
/// Shapes     weight and its gradient [rows, cols]; the rows of what is decoded, and of the
///            gradient, lie among those of a product
/// Precision  each operation as on the host but for sums over groups, whose order is another, and
///            decoded values, which are rounded to binary16: where the last bits of such a sum
///            decide about a sign, a factor moves the other way
/// Errors     those of Device
/// Source     solve/rounding_tuner.h
#pragma once

#include "kernels/cuda/autoround.h"
#include "quant/device/matrix.h"
#include "quant/solve/rounding_tuner.h"

namespace nibble::quant {

class DeviceRounding {
 public:
  /// Where the rows of decoded values go.
  struct Place {
    void* decoded = nullptr;  ///< half, or nullptr: nowhere
    std::size_t first = 0;
    std::size_t turn = 0;  ///< narrow_rows of kernels/cuda/quantize.h
  };

  DeviceRounding(ops::Device& device,
                 DeviceMatrix weight,
                 const codec::IntGroupFormat& format,
                 Place place);

  static std::size_t bytes_needed(std::size_t rows, std::size_t cols, std::size_t group);

  /// A step by the gradient of the decoded values, whose rows lie as theirs do.
  void step(const float* gradient, const StepSizes& sizes, Keep keep);
  /// The state of now is the best so far.
  void keep();
  /// Of the state kept last; that of the start when none was: rounding to nearest.
  DeviceCodes take_codes() { return std::move(best_); }

 private:
  void run(kernels::cuda::RoundingTask task);

  ops::Device& device_;
  DeviceMatrix w_;
  DeviceCodes best_;
  Place place_;
  ops::DeviceBuffer offsets_, low_, high_;
};

}  // namespace nibble::quant
