/// Packed weights beside their model, kept on request: a start reads them instead of packing again.
///
/// Of "m.gguf" the file is "m.gguf.packed", of a folder "model.packed" within. It names the
/// program's revisions, the arithmetic and the size and time of every weight file; when one of them
/// differs it is written anew. It is trusted like the model itself: its sizes are checked, its
/// values are not.
///
/// Threads    not reentrant
/// Errors     kCorruptData with the path when a file that should fit is damaged. A file that cannot
///            be written is a note, not an error: the model runs without it
/// Source     our own; docs/formats/packed-weights.md
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/arithmetic.h"
#include "base/progress.h"
#include "io/checkpoint.h"
#include "ops/linear.h"

namespace nibble::model {

class PackedWeights {
 public:
  PackedWeights(const io::Checkpoint& checkpoint, Arithmetic arithmetic);
  ~PackedWeights();
  PackedWeights(const PackedWeights&) = delete;
  PackedWeights& operator=(const PackedWeights&) = delete;

  static std::filesystem::path path_beside(const io::Checkpoint& checkpoint);

  /// A file for this model, program and arithmetic lay there: `read` its layers. Otherwise `add`
  /// them.
  [[nodiscard]] bool found() const noexcept { return source_ != nullptr; }
  /// Layers are read in the order in which they were added.
  [[nodiscard]] ops::Linear read(std::string_view name,
                                 std::size_t rows,
                                 std::size_t cols,
                                 std::vector<float> bias);
  void add(std::string_view name, const ops::Linear& layer);
  /// Publishes what was added.
  void finish(ProgressSink& progress);

 private:
  class Source;
  class Sink;
  std::filesystem::path path_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Sink> sink_;
};

}  // namespace nibble::model
