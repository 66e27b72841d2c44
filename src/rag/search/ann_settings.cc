#include "rag/search/ann_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/suggest.h"

namespace nibble::rag {
namespace {

constexpr std::array<std::string_view, 3> kAnnKinds = {"flat", "hnsw", "ivf-pq"};

struct AnnKey {
  AnnKind kind;
  std::string_view name;
  std::size_t AnnSettings::*member;
  std::size_t low, high;
};
constexpr std::array kAnnKeys = {
    AnnKey{AnnKind::kHnsw, "M", &AnnSettings::links, 2, 256},
    AnnKey{AnnKind::kHnsw, "efConstruction", &AnnSettings::ef_construction, 1, 10'000},
    AnnKey{AnnKind::kIvfPq, "nlist", &AnnSettings::n_lists, 1, std::size_t{1} << 20},
    AnnKey{AnnKind::kIvfPq, "m", &AnnSettings::n_codes, 1, 65'536}};

/// Training vectors for each list, and for the codes.
constexpr std::size_t kPerList = 64;
constexpr std::size_t kForCodes = 16'384;

Result<void> read_pair(std::string_view pair, AnnSettings& out) {
  const std::size_t equals = pair.find('=');
  const std::string_view name = pair.substr(0, equals);
  const auto key = std::ranges::find_if(
      kAnnKeys, [&](const AnnKey& row) { return row.kind == out.kind && row.name == name; });
  if (key == kAnnKeys.end() || equals == std::string_view::npos) {
    return fail(ErrorCode::kInvalidArgument,
                "index '{}': {} has {}",
                pair,
                kAnnKinds[static_cast<std::size_t>(out.kind)],
                out.kind == AnnKind::kFlat   ? "no settings"
                : out.kind == AnnKind::kHnsw ? "M=… and efConstruction=…"
                                             : "nlist=… and m=…");
  }
  const std::string_view value = pair.substr(equals + 1);
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < key->low ||
      number > key->high) {
    return fail(ErrorCode::kInvalidArgument,
                "index '{}': expected {} from {} to {}",
                pair,
                name,
                key->low,
                key->high);
  }
  out.*key->member = number;
  return {};
}

/// The largest divisor of `dims` that is not above `wanted`.
std::size_t divisor_below(std::size_t dims, std::size_t wanted) {
  std::size_t out = std::max<std::size_t>(1, std::min(dims, wanted));
  while (dims % out != 0) {
    --out;
  }
  return out;
}

}  // namespace

Result<AnnSettings> AnnSettings::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto kind = std::ranges::find(kAnnKinds, text.substr(0, colon));
  if (kind == kAnnKinds.end()) {
    return fail(ErrorCode::kInvalidArgument,
                "index '{}': expected flat, hnsw or ivf-pq{}",
                text,
                did_you_mean(text.substr(0, colon), kAnnKinds));
  }
  AnnSettings out{.kind = static_cast<AnnKind>(kind - kAnnKinds.begin())};
  std::string_view rest = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    if (auto read = read_pair(rest.substr(0, comma), out); !read) {
      return read.failure();
    }
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  }
  return out;
}

std::string AnnSettings::text() const {
  std::string out(kAnnKinds[static_cast<std::size_t>(kind)]);
  char separator = ':';
  for (const AnnKey& key : kAnnKeys) {
    if (key.kind == kind && this->*key.member != 0) {
      out += fmt::format("{}{}={}", separator, key.name, this->*key.member);
      separator = ',';
    }
  }
  return out;
}

Result<AnnSettings> AnnSettings::resolved(std::size_t n, std::size_t dims) const {
  AnnSettings out = *this;
  const auto choose = [](std::size_t& value, std::size_t by_default) {
    value = value == 0 ? by_default : value;
  };
  if (kind == AnnKind::kHnsw) {
    choose(out.links, 16);
    choose(out.ef_construction, 200);
  } else if (kind == AnnKind::kIvfPq) {
    const auto root = static_cast<std::size_t>(4.0 * std::sqrt(static_cast<double>(n)));
    choose(out.n_lists, std::max<std::size_t>(1, std::min(root, n / 39)));
    out.n_lists = std::min(out.n_lists, n);
    choose(out.n_codes, divisor_below(dims, dims / 8));
    if (dims % out.n_codes != 0) {
      return fail(ErrorCode::kInvalidArgument,
                  "index '{}': m = {} does not divide the {} dimensions of the vectors; {} does",
                  text(),
                  out.n_codes,
                  dims,
                  divisor_below(dims, out.n_codes));
    }
  }
  return out;
}

bool AnnSettings::allows(const AnnSettings& made) const noexcept {
  return made.kind == kind && std::ranges::all_of(kAnnKeys, [&](const AnnKey& key) {
           return this->*key.member == 0 || this->*key.member == made.*key.member;
         });
}

std::size_t AnnSettings::n_training(std::size_t n) const noexcept {
  return kind == AnnKind::kIvfPq ? std::min(n, std::max(kPerList * n_lists, kForCodes)) : 0;
}

double AnnSettings::build_bytes(std::size_t n, std::size_t dims) const noexcept {
  const auto count = static_cast<double>(n);
  const double vector = static_cast<double>(dims) * sizeof(float);
  if (kind == AnnKind::kHnsw) {
    // Lowest level, label, level, pointer to the upper ones with what stands there, lock, entry in
    // the table of labels, mark of a visit.
    const auto m = static_cast<double>(links);
    const double upper = (4.0 * m + 5.0 + 16.0) / (m - 1.0);
    return count * (vector + 8.0 * m + 4.0 + 8.0 + 4.0 + 8.0 + upper + 40.0 + 40.0 + 2.0);
  }
  if (kind == AnnKind::kIvfPq) {
    // Items and codes in lists that double as they grow; the sample, twice; centroids, packed too.
    const double codes = count * 2.0 * (static_cast<double>(n_codes) + 4.0);
    return codes + 2.0 * static_cast<double>(n_training(n)) * vector +
           4.0 * (static_cast<double>(n_lists) + 256.0) * vector;
  }
  return 0.0;
}

}  // namespace nibble::rag
