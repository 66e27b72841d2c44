#include "io/safetensors_header.h"

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/json.h"

namespace nibble::io {
namespace {

constexpr std::size_t kPreambleBytes = 8;
constexpr std::size_t kMaxDimensions = 16;

/// Receives the events of the JSON parser. A handler that returns false ends parsing; `failure_`
/// then says why.
class HeaderHandler final : public nlohmann::json_sax<Json> {
 public:
  SafetensorsHeader take() && { return std::move(header_); }
  [[nodiscard]] const Failure& failure() const { return failure_; }

  bool null() override { return unexpected("null"); }
  bool boolean(bool /*value*/) override { return unexpected("a boolean"); }
  bool number_integer(number_integer_t value) override {
    return refuse("{}: {}, expected a number that is not negative", where(), value);
  }
  bool number_float(number_float_t /*value*/, const string_t& text) override {
    return refuse("{}: {}, expected a whole number in range", where(), text);
  }
  bool binary(binary_t& /*value*/) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (state_ == State::kShape && shape_.size() < kMaxDimensions) {
      shape_.push_back(value);
      return true;
    }
    if (state_ == State::kOffsets && offsets_.size() < 2) {
      offsets_.push_back(value);
      return true;
    }
    return unexpected("a number");
  }

  bool string(string_t& value) override {
    if (state_ == State::kMetadata) {
      if (header_.metadata.size() == kMaxSafetensorsPairs) {
        return refuse("__metadata__: more than {} pairs", kMaxSafetensorsPairs);
      }
      header_.metadata[key_] = std::move(value);
      return true;
    }
    if (state_ != State::kTensor || key_ != "dtype") {
      return unexpected("a string");
    }
    const auto dtype = dtype_from_name(value);
    if (!dtype) {
      failure_ = fail(ErrorCode::kUnsupported, "{}: unknown dtype '{}'", where(), value);
      return false;
    }
    dtype_ = *dtype;
    return true;
  }

  bool start_object(std::size_t /*n*/) override {
    if (state_ == State::kStart) {
      state_ = State::kTop;
      return true;
    }
    if (state_ != State::kTop) {
      return unexpected("an object");
    }
    if (header_.entries.size() == kMaxSafetensorsTensors) {
      return refuse("header: more than {} tensors", kMaxSafetensorsTensors);
    }
    name_ = key_;
    keys_.clear();
    shape_.clear();
    offsets_.clear();
    state_ = name_ == "__metadata__" ? State::kMetadata : State::kTensor;
    return true;
  }

  bool key(string_t& value) override {
    const bool top = state_ == State::kTop;
    if (!(top ? names_ : keys_).insert(value).second) {
      return refuse("{}key '{}' occurs twice", top ? "" : where() + ": ", value);
    }
    if (state_ == State::kTensor && value != "dtype" && value != "shape" &&
        value != "data_offsets") {
      return refuse("tensor '{}': unexpected key '{}'", name_, value);
    }
    key_ = std::move(value);
    return true;
  }

  bool end_object() override {
    if (state_ == State::kTop) {
      state_ = State::kEnd;
      return true;
    }
    if (state_ == State::kTensor && !finish_tensor()) {
      return false;
    }
    state_ = State::kTop;
    return true;
  }

  bool start_array(std::size_t /*n*/) override {
    if (state_ != State::kTensor || key_ == "dtype") {
      return unexpected("an array");
    }
    state_ = key_ == "shape" ? State::kShape : State::kOffsets;
    return true;
  }

  bool end_array() override {
    state_ = State::kTensor;
    return true;
  }

  bool parse_error(std::size_t position,
                   const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    const std::string_view what = error.what();
    failure_ = fail(ErrorCode::kCorruptData,
                    "header at byte {}: {}",
                    kPreambleBytes + (position > 0 ? position - 1 : 0),
                    what.substr(std::min(what.size(), what.find(": ") + 2)));
    return false;
  }

 private:
  enum class State { kStart, kTop, kMetadata, kTensor, kShape, kOffsets, kEnd };

  [[nodiscard]] std::string where() const {
    switch (state_) {
      case State::kMetadata:
        return fmt::format("__metadata__, key '{}'", key_);
      case State::kTensor:
      case State::kShape:
      case State::kOffsets:
        return key_.empty() || keys_.empty() ? fmt::format("tensor '{}'", name_)
                                             : fmt::format("tensor '{}', {}", name_, key_);
      case State::kStart:
      case State::kTop:
      case State::kEnd:
        break;
    }
    return state_ == State::kTop && !names_.empty() ? fmt::format("key '{}'", key_) : "header";
  }

  template <class... Args>
  bool refuse(fmt::format_string<Args...> format, Args&&... args) {
    failure_ = fail(ErrorCode::kCorruptData, format, std::forward<Args>(args)...);
    return false;
  }
  bool unexpected(std::string_view what) { return refuse("{}: unexpected {}", where(), what); }

  bool finish_tensor() {
    for (const std::string_view field : {"dtype", "shape", "data_offsets"}) {
      if (!keys_.contains(std::string(field))) {
        return refuse("tensor '{}': no {}", name_, field);
      }
    }
    if (offsets_.size() != 2) {
      return refuse("tensor '{}': data_offsets must be two numbers", name_);
    }
    header_.entries.push_back({name_, dtype_, shape_, offsets_[0], offsets_[1]});
    return true;
  }

  State state_ = State::kStart;
  SafetensorsHeader header_;
  Failure failure_;
  std::unordered_set<std::string> names_;  ///< keys of the top object so far
  std::unordered_set<std::string> keys_;   ///< keys of the object inside it so far
  std::string name_;                       ///< of the object inside
  std::string key_;                        ///< the last key
  DType dtype_ = DType::kF32;
  Shape shape_;
  Shape offsets_;
};

}  // namespace

Result<SafetensorsHeader> parse_safetensors_header(std::string_view json) {
  if (!json.starts_with('{')) {
    return fail(
        ErrorCode::kCorruptData, "header at byte {}: does not begin with '{{'", kPreambleBytes);
  }
  HeaderHandler handler;
  if (!Json::sax_parse(json.begin(), json.end(), &handler)) {
    return handler.failure();
  }
  return std::move(handler).take();
}

}  // namespace nibble::io
