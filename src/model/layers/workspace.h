/// Float buffers of one forward pass, kept between passes so that decoding does not allocate.
///
/// Layout     matrices are row-major and contiguous; their content is unspecified until written
/// Threads    one pass at a time
/// Errors     std::bad_alloc
/// Source     our own
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "tensor/matrix_view.h"

namespace nibble::model {

class Workspace {
 public:
  enum Slot : std::size_t {
    kHidden,
    kHiddenWanted,
    kNormed,
    kNormedWanted,
    kBranch,
    kQueries,
    kKeys,
    kValues,
    kAttended,
    kProbedNormed,
    kProbedQueries,
    kGated,
    kSlots
  };

  /// The buffer of `slot`, valid until the next call for the same slot.
  MatrixView<float> matrix(Slot slot, std::size_t rows, std::size_t cols) {
    std::vector<float>& buffer = buffers_[slot];
    if (buffer.size() < rows * cols) {
      buffer = {};  // freed first: the content need not be copied
      buffer.resize(rows * cols);
    }
    return {buffer.data(), rows, cols};
  }

 private:
  std::array<std::vector<float>, kSlots> buffers_;
};

}  // namespace nibble::model
