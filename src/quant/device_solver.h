/// A method on a device: the same settings, codecs and facts as on the host.
///
/// Such a method is a Solver whose `device_solver` is not null.
///
/// Shapes     weight [rows, cols] on the device; second_moment [cols, cols]
/// Precision  device/hqq.h and device/gptq.h say how codes may differ from the host's
/// Threads    one host thread a device
/// Errors     those of Device; `check_device` reports kUnsupported for settings without a device
/// Source     our own
#pragma once

#include <vector>

#include "quant/device/matrix.h"
#include "quant/device/moment.h"
#include "quant/solver.h"

namespace nibble::quant {

struct DeviceSolveInput {
  const DeviceMatrix& weight;
  DeviceMoment* second_moment = nullptr;  ///< nullptr when there is none
};

struct DeviceSolved {
  DeviceCodes codes;
  std::vector<Fact> facts;
  std::vector<Fact> measures = {};
};

class DeviceBlockSolver;

class DeviceSolver {
 public:
  virtual ~DeviceSolver() = default;

  [[nodiscard]] virtual Result<void> check_device() const { return {}; }
  /// Whether it fills this codec there, one that the method's `check` accepts; else the host does.
  [[nodiscard]] virtual bool takes(const codec::Codec& /*codec*/) const { return true; }
  /// `codec` is one that it takes.
  [[nodiscard]] virtual DeviceSolved solve_on(ops::Device& device,
                                              const DeviceSolveInput& input,
                                              const codec::Codec& codec) const = 0;
  /// The method for all weights of a decoder block at once; none in most methods.
  [[nodiscard]] virtual const DeviceBlockSolver* device_block_solver() const noexcept {
    return nullptr;
  }
};

}  // namespace nibble::quant
