/// Typed keys of a JSON object from outside; remembers the first that is missing or of another
/// kind.
///
/// A reader is asked for every key in turn and for its failure once, at the end; values behind a
/// failure are harmless defaults.
///
/// Errors     kCorruptData "where: 'key': missing, wanted a positive integer"
/// Source     our own
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace nibble::model {

class KeyReader {
 public:
  /// `prefix` goes in front of every key ("llama."); `object` must outlive the reader.
  KeyReader(const Json& object, std::string where, std::string prefix = "");

  /// A count in [1, kMaxSize].
  std::size_t size(std::string_view key);
  std::size_t size_or(std::string_view key, std::size_t fallback);
  /// A finite number.
  float number(std::string_view key);
  float number_or(std::string_view key, float fallback);
  bool flag_or(std::string_view key, bool fallback);
  std::string text_or(std::string_view key, std::string_view fallback);
  /// The value as it stands; nullptr when absent or null.
  [[nodiscard]] const Json* find(std::string_view key) const;

  /// Records a failure of the caller's own about `key`, unless there is one already.
  void reject(ErrorCode code, std::string_view key, std::string_view reason);
  /// Records a failure of another reader, unless there is one already.
  void adopt(const Failure& why);
  [[nodiscard]] const std::optional<Failure>& failure() const noexcept { return failure_; }

  /// No dimension of any model comes near this.
  static constexpr std::size_t kMaxSize = std::size_t{1} << 24;

 private:
  const Json& object_;
  std::string where_;
  std::string prefix_;
  std::optional<Failure> failure_;
};

}  // namespace nibble::model
