/// Weights as other tools pack them into Hugging Face folders: one row of a table a tool, each with
/// a reader and a writer.
///
/// A linear layer M is a handful of tensors, "M.qweight", "M.scales", …; what they mean stands in
/// the `quantization_config` of config.json. A reader turns them into a matrix of one of nibble's
/// codecs, a writer turns such a matrix into them. Both are lossless: every decoded value is equal,
/// or the weight is refused with the reason.
///
/// Threads    readers are immutable; a writer collects the settings of one folder
/// Errors     everything here throws Error: kCorruptData for tensors or settings that contradict
///            the format, kUnsupported where the other side's grid cannot hold the values (or ours)
/// Source     docs/formats/packed.md and the page of each format
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "codec/codec.h"
#include "tensor/tensor.h"

namespace nibble::io {

/// The tensors of one linear layer, by what follows its name: "qweight", "weight.absmax".
struct PackedTensors {
  std::string module;  ///< "model.layers.0.mlp.up_proj"
  std::map<std::string, Tensor, std::less<>> by_suffix;

  /// nullptr when absent.
  [[nodiscard]] const Tensor* find(std::string_view suffix) const noexcept;
  /// A tensor that must be there, with one of these types and this number of dimensions.
  [[nodiscard]] const Tensor& require(std::string_view suffix,
                                      std::span<const DType> dtypes,
                                      std::size_t n_dims) const;
  /// kShapeMismatch, naming the tensor, unless its shape is this one.
  void require_shape(std::string_view suffix, const Shape& shape) const;
};

class PackedReader {
 public:
  virtual ~PackedReader() = default;
  /// What may follow a module's name. "weight" alone is a plain tensor; any other of these marks a
  /// packed one.
  [[nodiscard]] virtual std::span<const std::string_view> suffixes() const noexcept = 0;
  [[nodiscard]] virtual codec::EncodedMatrix read(const PackedTensors& tensors) const = 0;
};

class PackedWriter {
 public:
  virtual ~PackedWriter() = default;
  /// `module` is the weight's name without ".weight".
  virtual PackedTensors write(std::string_view module, const codec::EncodedMatrix& matrix) = 0;
  /// Tells of a linear layer that stays as it is.
  virtual void skip(std::string_view module) = 0;
  /// The quantization_config of what was written.
  [[nodiscard]] virtual Json settings() const = 0;
  /// What whoever hands the folder on should know of it.
  [[nodiscard]] virtual std::vector<std::string> notes() const { return {}; }
};

struct PackedFormat {
  std::string_view quant_method;              ///< as quantization_config says it
  std::span<const std::string_view> targets;  ///< names of what can be written, the usual one first
  std::string_view settings_file;  ///< where a copy of the settings is expected; "" for nowhere
  std::unique_ptr<PackedReader> (*open)(const Json& settings);
  std::unique_ptr<PackedWriter> (*create)(std::string_view target);
};

/// The target that stands for nibble's own folders; no row of the table writes it.
inline constexpr std::string_view kNibbleTarget = "nibble";

std::span<const PackedFormat> packed_formats();
/// The names of all that can be written, nibble's own first.
std::vector<std::string_view> format_targets();
/// nullptr for a method that is not in the table.
const PackedFormat* find_packed_format(std::string_view quant_method) noexcept;
/// The format that writes this target; kInvalidArgument with the nearest name.
const PackedFormat& packed_format_of_target(std::string_view target);

/// The reader that a config.json asks for; nullptr where its weights are plain, nibble's own, or
/// of a method that is not in the table.
std::unique_ptr<PackedReader> packed_reader_of(const Json& config);

}  // namespace nibble::io
