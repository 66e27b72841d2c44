#include "support/golden_tensors.h"

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "support/files.h"
#include "tensor/half.h"

namespace nibble::testing {
namespace {

template <class T>
std::vector<float> widen(std::string_view bytes, float (*convert)(T)) {
  std::vector<float> out(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = convert(value);
  }
  return out;
}

template <class T>
float cast(T value) {
  return static_cast<float>(value);
}

std::vector<double> read_doubles(std::string_view bytes) {
  std::vector<double> out(bytes.size() / sizeof(double));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(double));
  return out;
}

std::vector<float> read_values(const std::string& dtype, std::string_view bytes) {
  if (dtype == "F32") {
    return widen<float>(bytes, &cast<float>);
  }
  if (dtype == "F16") {
    return widen<std::uint16_t>(bytes, [](std::uint16_t bits) { return f16_to_f32(bits); });
  }
  if (dtype == "U8") {
    return widen<std::uint8_t>(bytes, &cast<std::uint8_t>);
  }
  if (dtype == "I8") {
    return widen<std::int8_t>(bytes, &cast<std::int8_t>);
  }
  if (dtype == "I32") {
    return widen<std::int32_t>(bytes, &cast<std::int32_t>);
  }
  throw std::runtime_error("golden tensor of dtype " + dtype);
}

}  // namespace

GoldenTensors::GoldenTensors(const std::filesystem::path& path) {
  const std::string file = read_file(path);
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, file.data(), sizeof header_size);
  const auto header = nlohmann::json::parse(file.substr(8, header_size));
  const std::string_view data = std::string_view(file).substr(8 + header_size);
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      continue;
    }
    const auto [begin, end] = entry.at("data_offsets").get<std::pair<std::size_t, std::size_t>>();
    GoldenTensor tensor{entry.at("dtype"), entry.at("shape"), {}};
    const std::string_view bytes = data.substr(begin, end - begin);
    if (tensor.dtype == "F64") {
      tensor.doubles = read_doubles(bytes);
      tensor.values.assign(tensor.doubles.begin(), tensor.doubles.end());
    } else {
      tensor.values = read_values(tensor.dtype, bytes);
    }
    tensors_.emplace(name, std::move(tensor));
  }
}

const GoldenTensor& GoldenTensors::at(std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    throw std::runtime_error("no golden tensor " + std::string(name));
  }
  return found->second;
}

std::vector<std::string> GoldenTensors::names() const {
  std::vector<std::string> out;
  for (const auto& [name, tensor] : tensors_) {
    out.push_back(name);
  }
  return out;
}

}  // namespace nibble::testing
