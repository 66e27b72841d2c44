/// The packed form of a record (attention_record.h).
#include <bit>
#include <cstring>

#include "base/error.h"
#include "rag/answer/attention_record.h"
#include "tensor/half.h"

namespace nibble::rag {
namespace {

static_assert(std::endian::native == std::endian::little, "packed records are little-endian");

constexpr std::uint32_t kVersion = 1;
/// Above what any prompt has.
constexpr std::uint32_t kMost = std::uint32_t{1} << 28;

class Packer {
 public:
  template <class T>
  void value(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <class T>
  void list(const std::vector<T>& values) {
    value(static_cast<std::uint32_t>(values.size()));
    out_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view in) : in_(in) {}

  template <class T>
  T value() {
    T out;
    copy(&out, sizeof out);
    return out;
  }
  std::size_t size() {
    const auto n = value<std::uint32_t>();
    if (n > kMost) {
      raise(ErrorCode::kCorruptData, "attention: a list of {}", n);
    }
    return n;
  }
  template <class T>
  std::vector<T> list(std::size_t n) {
    check(n * sizeof(T));
    std::vector<T> out(n);
    copy(out.data(), n * sizeof(T));
    return out;
  }
  template <class T>
  std::vector<T> list() {
    return list<T>(size());
  }
  /// A list that must have `n` members.
  std::vector<float> floats(std::size_t n) {
    if (size() != n) {
      raise(ErrorCode::kCorruptData, "attention: a list that is not of {}", n);
    }
    return list<float>(n);
  }
  [[nodiscard]] bool is_done() const { return in_.empty(); }

 private:
  void check(std::size_t n) const {
    if (n > in_.size()) {
      raise(ErrorCode::kCorruptData, "attention: ends {} bytes too early", n - in_.size());
    }
  }
  void copy(void* to, std::size_t n) {
    check(n);
    std::memcpy(to, in_.data(), n);
    in_.remove_prefix(n);
  }
  std::string_view in_;
};

AttentionRecord unpack(Unpacker& in) {
  if (const auto version = in.value<std::uint32_t>(); version != kVersion) {
    raise(ErrorCode::kCorruptData, "attention of version {}, wanted {}", version, kVersion);
  }
  AttentionRecord out;
  out.n_layers = in.size();
  out.n_heads = in.size();
  out.documents.resize(in.size());
  for (AttendedDocument& document : out.documents) {
    document.begin = in.value<std::uint32_t>();
    document.end = in.value<std::uint32_t>();
    document.n_tokens = in.value<std::uint32_t>();
    document.is_gold = in.value<std::uint8_t>() != 0;
  }
  const std::size_t n = out.documents.size();
  out.answer = in.list<std::int32_t>();
  for (const std::uint16_t bits : in.list<std::uint16_t>(out.n_layers * out.n_heads * n)) {
    out.last.push_back(f16_to_f32(bits));
  }
  out.question = in.floats(out.n_layers * n);
  out.sinks = in.floats(out.n_layers);
  out.steps = in.list<float>();
  out.own_steps = in.list<float>();
  const bool is_whole = n > 0 ? out.steps.size() % n == 0 && out.own_steps.size() % n == 0
                              : out.steps.empty() && out.own_steps.empty();
  if (!is_whole || !in.is_done()) {
    raise(ErrorCode::kCorruptData, "attention: sizes that do not fit");
  }
  return out;
}

}  // namespace

std::string pack(const AttentionRecord& record) {
  Packer out;
  out.value(kVersion);
  out.value(static_cast<std::uint32_t>(record.n_layers));
  out.value(static_cast<std::uint32_t>(record.n_heads));
  out.value(static_cast<std::uint32_t>(record.documents.size()));
  for (const AttendedDocument& document : record.documents) {
    out.value(document.begin);
    out.value(document.end);
    out.value(document.n_tokens);
    out.value(static_cast<std::uint8_t>(document.is_gold ? 1 : 0));
  }
  out.list(record.answer);
  for (const float mass : record.last) {
    out.value(f32_to_f16(mass));
  }
  out.list(record.question);
  out.list(record.sinks);
  out.list(record.steps);
  out.list(record.own_steps);
  return out.take();
}

Result<AttentionRecord> unpack_attention(std::string_view packed) {
  try {
    Unpacker in(packed);
    return unpack(in);
  } catch (const Error& error) {
    return error.failure();
  }
}

}  // namespace nibble::rag
