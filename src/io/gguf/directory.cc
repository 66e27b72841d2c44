#include "io/gguf/directory.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/checked_math.h"
#include "io/byte_reader.h"

namespace nibble::io {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::size_t kDefaultAlignment = 32;

enum class ValueType : std::uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};

/// Bytes that a value of this type takes at least; 0 for an unknown type.
std::size_t min_value_bytes(ValueType type) noexcept {
  switch (type) {
    case ValueType::kU8:
    case ValueType::kI8:
    case ValueType::kBool:
      return 1;
    case ValueType::kU16:
    case ValueType::kI16:
      return 2;
    case ValueType::kU32:
    case ValueType::kI32:
    case ValueType::kF32:
      return 4;
    case ValueType::kString:
    case ValueType::kU64:
    case ValueType::kI64:
    case ValueType::kF64:
      return 8;
    case ValueType::kArray:
      return 12;
  }
  return 0;
}

class Parser {
 public:
  explicit Parser(std::span<const std::byte> file) : reader_(file), file_bytes_(file.size()) {}

  std::vector<GgufTensor> parse(Json& metadata) {
    read_preamble();
    const std::size_t n_tensors = reader_.read_count("tensor count", GgufLimits::kTensors, 32);
    const std::size_t n_keys = reader_.read_count("key count", GgufLimits::kKeys, 13);
    metadata = Json::object();
    for (std::size_t i = 0; i < n_keys; ++i) {
      read_pair(metadata);
    }
    std::vector<GgufTensor> tensors;
    tensors.reserve(n_tensors);
    for (std::size_t i = 0; i < n_tensors; ++i) {
      tensors.push_back(read_tensor());
    }
    place(tensors, alignment(metadata));
    return tensors;
  }

 private:
  void read_preamble() {
    if (reader_.read<std::uint32_t>("magic") != kMagic) {
      raise(ErrorCode::kCorruptData, "magic at byte 0: not a GGUF file");
    }
    const auto version = reader_.read<std::uint32_t>("version");
    if (version == 0x02000000 || version == 0x03000000) {
      raise(ErrorCode::kUnsupported, "version at byte 4: a big-endian file");
    }
    if (version != 2 && version != 3) {
      raise(ErrorCode::kUnsupported, "version at byte 4: {}, expected 2 or 3", version);
    }
  }

  void read_pair(Json& metadata) {
    const std::size_t at = reader_.position();
    std::string key(reader_.read_string("key", GgufLimits::kNameBytes));
    const auto type = read_value_type(key);
    Json value = type == ValueType::kArray ? read_array(key) : read_value(type, key);
    if (!metadata.emplace(key, std::move(value)).second) {
      raise(ErrorCode::kCorruptData, "key '{}' at byte {}: occurs twice", key, at);
    }
  }

  ValueType read_value_type(std::string_view key) {
    const std::size_t at = reader_.position();
    const auto type = static_cast<ValueType>(reader_.read<std::uint32_t>(key));
    if (min_value_bytes(type) == 0) {
      raise(ErrorCode::kCorruptData,
            "{} at byte {}: unknown value type {}",
            key,
            at,
            static_cast<std::uint32_t>(type));
    }
    return type;
  }

  Json read_array(std::string_view key) {
    const std::size_t at = reader_.position();
    const ValueType type = read_value_type(key);
    if (type == ValueType::kArray) {
      raise(ErrorCode::kUnsupported, "{} at byte {}: an array of arrays", key, at);
    }
    const std::size_t n = reader_.read_count(
        key, GgufLimits::kArrayElements - n_array_elements_, min_value_bytes(type));
    n_array_elements_ += n;
    Json::array_t values;
    values.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
      values.push_back(read_value(type, key));
    }
    return values;
  }

  Json read_value(ValueType type, std::string_view key) {
    switch (type) {
      case ValueType::kU8:
        return reader_.read<std::uint8_t>(key);
      case ValueType::kI8:
        return reader_.read<std::int8_t>(key);
      case ValueType::kU16:
        return reader_.read<std::uint16_t>(key);
      case ValueType::kI16:
        return reader_.read<std::int16_t>(key);
      case ValueType::kU32:
        return reader_.read<std::uint32_t>(key);
      case ValueType::kI32:
        return reader_.read<std::int32_t>(key);
      case ValueType::kF32:
        return reader_.read<float>(key);
      case ValueType::kBool:
        return read_bool(key);
      case ValueType::kString:
        return std::string(reader_.read_string(key, GgufLimits::kStringBytes));
      case ValueType::kU64:
        return reader_.read<std::uint64_t>(key);
      case ValueType::kI64:
        return reader_.read<std::int64_t>(key);
      case ValueType::kF64:
        return reader_.read<double>(key);
      case ValueType::kArray:
        break;  // read_pair and read_array take these
    }
    raise(ErrorCode::kInternal, "read_value of an array");
  }

  bool read_bool(std::string_view key) {
    const std::size_t at = reader_.position();
    const auto value = reader_.read<std::uint8_t>(key);
    if (value > 1) {
      raise(ErrorCode::kCorruptData, "{} at byte {}: {}, expected 0 or 1", key, at, value);
    }
    return value == 1;
  }

  /// One entry of the directory; `offset` is still relative to the data section.
  GgufTensor read_tensor() {
    const std::size_t at = reader_.position();
    GgufTensor tensor;
    const std::string_view name = reader_.read_string("tensor name", GgufLimits::kNameBytes);
    tensor.name = name;
    try {
      if (!names_.insert(name).second) {
        raise(ErrorCode::kCorruptData, "occurs twice");
      }
      tensor.shape = read_shape();
      tensor.type = read_type();
      tensor.n_bytes = stored_bytes(tensor);
      tensor.offset = reader_.read<std::uint64_t>("offset");
      check_end(tensor, file_bytes_);
    } catch (const Error& error) {
      throw Error(error.failure().within(fmt::format("tensor '{}' at byte {}", name, at)));
    }
    return tensor;
  }

  Shape read_shape() {
    const auto n_dims = reader_.read<std::uint32_t>("number of dimensions");
    if (n_dims == 0 || n_dims > GgufLimits::kDimensions) {
      raise(ErrorCode::kCorruptData,
            "{} dimensions, expected 1 to {}",
            n_dims,
            GgufLimits::kDimensions);
    }
    Shape shape(n_dims);
    for (std::size_t i = n_dims; i-- > 0;) {  // the file has the innermost first
      shape[i] = reader_.read<std::uint64_t>("dimension");
      if (shape[i] == 0) {
        raise(ErrorCode::kCorruptData, "a dimension of 0");
      }
    }
    return shape;
  }

  const GgufType& read_type() {
    const auto id = reader_.read<std::uint32_t>("type");
    const auto known = types_.find(id);
    return known != types_.end() ? known->second
                                 : types_.emplace(id, gguf_type(id).take()).first->second;
  }

  static std::size_t stored_bytes(const GgufTensor& tensor) {
    const codec::BlockSize unit = tensor.type.unit();
    if (tensor.shape.back() % unit.weights != 0) {
      raise(ErrorCode::kCorruptData,
            "rows of {} weights, expected a multiple of {} for {}",
            tensor.shape.back(),
            unit.weights,
            tensor.type.name);
    }
    const auto n_weights = checked_product(tensor.shape);
    const auto n_bytes =
        n_weights ? checked_mul(*n_weights / unit.weights, unit.bytes) : std::nullopt;
    if (!n_bytes) {
      raise(ErrorCode::kCorruptData, "shape {} is too large", shape_text(tensor.shape));
    }
    return *n_bytes;
  }

  /// The data section is shorter than the file, so a tensor that does not fit in the file is
  /// refused before it is kept.
  static void check_end(const GgufTensor& tensor, std::size_t n_available) {
    const auto end = checked_add(tensor.offset, tensor.n_bytes);
    if (!end || *end > n_available) {
      raise(
          ErrorCode::kCorruptData,
          "{} bytes at offset {} are past the end of the {} bytes of data; is the file truncated?",
          tensor.n_bytes,
          tensor.offset,
          n_available);
    }
  }

  static std::size_t alignment(const Json& metadata) {
    const auto found = metadata.find("general.alignment");
    if (found == metadata.end()) {
      return kDefaultAlignment;
    }
    const std::size_t value = found->is_number_unsigned() ? found->get<std::size_t>() : 0;
    if (value < GgufLimits::kMinAlignment || value > GgufLimits::kMaxAlignment ||
        (value & (value - 1)) != 0) {
      raise(ErrorCode::kCorruptData,
            "general.alignment: {}, expected a power of two from {} to {}",
            found->dump(-1, ' ', true, Json::error_handler_t::replace),
            GgufLimits::kMinAlignment,
            GgufLimits::kMaxAlignment);
    }
    return value;
  }

  /// Turns relative offsets into offsets in the file, and checks that the tensors lie in it side by
  /// side.
  void place(std::vector<GgufTensor>& tensors, std::size_t alignment) const {
    const std::size_t data_start = round_up(reader_.position(), alignment);
    const std::size_t data_bytes = file_bytes_ - std::min(file_bytes_, data_start);
    for (GgufTensor& tensor : tensors) {
      try {
        if (tensor.offset % alignment != 0) {
          raise(ErrorCode::kCorruptData,
                "offset {} is not a multiple of {}",
                tensor.offset,
                alignment);
        }
        check_end(tensor, data_bytes);
      } catch (const Error& error) {
        throw Error(error.failure().within(fmt::format("tensor '{}'", tensor.name)));
      }
      tensor.offset += data_start;
    }
    check_overlaps(tensors);
  }

  static void check_overlaps(std::span<const GgufTensor> tensors) {
    std::vector<const GgufTensor*> in_order;
    in_order.reserve(tensors.size());
    for (const GgufTensor& tensor : tensors) {
      in_order.push_back(&tensor);
    }
    std::ranges::sort(in_order, {}, &GgufTensor::offset);
    for (std::size_t i = 1; i < in_order.size(); ++i) {
      const GgufTensor& before = *in_order[i - 1];
      if (before.offset + before.n_bytes > in_order[i]->offset) {
        raise(ErrorCode::kCorruptData,
              "tensors '{}' and '{}' overlap at byte {}",
              before.name,
              in_order[i]->name,
              in_order[i]->offset);
      }
    }
  }

  ByteReader reader_;
  std::size_t file_bytes_;
  std::size_t n_array_elements_ = 0;
  std::unordered_set<std::string_view> names_;  ///< of tensors; the text lies in the file
  std::map<std::uint32_t, GgufType> types_;
};

}  // namespace

Result<std::vector<GgufTensor>> parse_gguf(std::span<const std::byte> file, Json& metadata) {
  try {
    return Parser(file).parse(metadata);
  } catch (const Error& error) {
    return error.failure();
  }
}

}  // namespace nibble::io
