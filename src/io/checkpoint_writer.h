/// Writes a Hugging Face folder that `open_checkpoint` reads back: weights plain or encoded,
/// config.json, companions.
///
/// Everything is written into "FOLDER.tmp.PID" beside the final folder, which `finish` renames into
/// place: the folder appears complete or not at all. Left-overs of killed programs are removed when
/// the same folder is written again.
///
/// Layout     docs/formats/safetensors.md, "Encoded weights"
/// Errors     kInvalidArgument when the folder exists and is not empty, for bad names, for parts
///            that their codec refuses; kIo
/// Source     our own
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "codec/codec.h"
#include "io/checkpoint.h"
#include "tensor/tensor.h"

namespace nibble::io {

/// "out" for "out/", so that something can be put behind the name.
std::filesystem::path without_trailing_slash(const std::filesystem::path& folder);

class CheckpointWriter {
 public:
  /// `n_bytes` is what the weights will take, where the caller knows it: too small a disk is
  /// refused before any work.
  static Result<CheckpointWriter> create(const std::filesystem::path& folder,
                                         std::size_t n_bytes = 0);
  CheckpointWriter(CheckpointWriter&&) noexcept;
  CheckpointWriter& operator=(CheckpointWriter&&) = delete;
  ~CheckpointWriter();  ///< removes what was written unless finished

  /// A plain tensor of any shape.
  Result<void> add_tensor(std::string_view name, const Tensor& tensor);
  /// A matrix as its codec stores it. A dense one becomes a plain tensor.
  Result<void> add_tensor(std::string_view name, const codec::EncodedMatrix& matrix);
  /// A tensor as another checkpoint has it; its shape is kept.
  Result<void> add_tensor(const StoredTensor& tensor);
  /// A text file beside the weights, such as "tokenizer.json".
  Result<void> add_companion(std::string_view file_name, std::string_view text);
  /// A pair of the weight file's __metadata__.
  void set_metadata(std::string key, std::string value);
  /// Copies the weights to where they will lie; see SafetensorsWriter.
  Result<void> lay_out();
  /// Writes config.json and publishes the folder; the writer is spent.
  Result<void> finish(const Json& config);

 private:
  struct State;
  explicit CheckpointWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace nibble::io
