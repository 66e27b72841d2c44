#include "kernels/panels.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <span>

#include "base/checked_math.h"
#include "base/error.h"
#include "kernels/pack_codes.h"
#include "tensor/half.h"

namespace nibble::kernels {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kLargePage = std::size_t{2} << 20;

/// Fresh memory of the system, handed out piece by piece, never twice.
class Region {
 public:
  static constexpr std::size_t kBytes = std::size_t{64} << 20;

  explicit Region(std::size_t n_bytes) : n_bytes_(round_up(n_bytes, kLargePage)) {
    // A large page more than needed, so that the start can be moved to the next one.
    mapped_ = ::mmap(nullptr,
                     n_bytes_ + kLargePage,
                     PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                     -1,
                     0);
    if (mapped_ == MAP_FAILED) {  // NOLINT(cppcoreguidelines-pro-type-cstyle-cast)
      raise(ErrorCode::kOutOfMemory, "{} bytes of packed weights: not enough memory", n_bytes);
    }
    void* start = mapped_;
    std::size_t space = n_bytes_ + kLargePage;
    start_ = static_cast<std::byte*>(std::align(kLargePage, n_bytes_, start, space));
    ::madvise(start_, n_bytes_, MADV_HUGEPAGE);  // a hint: nothing is lost when it is refused
  }
  ~Region() { ::munmap(mapped_, n_bytes_ + kLargePage); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  /// nullptr when less is left.
  std::byte* take(std::size_t n_bytes) noexcept {
    if (n_bytes > n_bytes_ - used_) {
      return nullptr;
    }
    std::byte* piece = start_ + used_;
    used_ += n_bytes;
    return piece;
  }
  /// The whole pages of a piece that nobody reads any more.
  static void give_back(std::byte* piece, std::size_t n_bytes) noexcept {
    const auto first = round_up(reinterpret_cast<std::uintptr_t>(piece), kPage);
    const auto end = reinterpret_cast<std::uintptr_t>(piece) + n_bytes;
    if (first + kPage <= end) {
      ::madvise(piece + (first - reinterpret_cast<std::uintptr_t>(piece)),
                (end - first) / kPage * kPage,
                MADV_DONTNEED);
    }
  }

 private:
  std::size_t n_bytes_;
  std::size_t used_ = 0;
  void* mapped_;
  std::byte* start_;
};

/// Decoded rows of one panel, as floats, into its place.
using PlaceRows = void (*)(const float* rows,
                           std::size_t n_rows,
                           std::size_t cols,
                           std::byte* panel);

void place_f32(const float* rows, std::size_t n_rows, std::size_t cols, std::byte* panel) {
  auto* out = reinterpret_cast<float*>(panel);
  for (std::size_t r = 0; r < n_rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) {
      out[c * kPanelRows + r] = rows[r * cols + c];
    }
  }
}

void place_bf16(const float* rows, std::size_t n_rows, std::size_t cols, std::byte* panel) {
  auto* out = reinterpret_cast<std::uint16_t*>(panel);
  for (std::size_t r = 0; r < n_rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) {
      out[(c / 2 * kPanelRows + r) * 2 + c % 2] = f32_to_bf16(rows[r * cols + c]);
    }
  }
}

void pack_floats(const codec::EncodedMatrix& weight,
                 PlaceRows place,
                 Panels& out,
                 ThreadPool& pool) {
  pool.run(out.n_panels, [&](std::size_t p, std::size_t /*worker*/) {
    const std::size_t first = p * kPanelRows;
    const std::size_t n = std::min(kPanelRows, weight.rows - first);
    std::vector<float> rows(n * weight.cols);
    weight.codec->decode_rows(weight, first, n, rows.data());
    place(rows.data(), n, weight.cols, out.codes.data() + p * out.panel_bytes);
  });
}

constexpr CodePlane kPlanes2[] = {{2, 0, 0}};
constexpr CodePlane kPlanes3[] = {{2, 0, 0}, {1, 2 * kVectorBytes, 2}};
constexpr CodePlane kPlanes4[] = {{4, 0, 0}};
constexpr CodePlane kPlanes5[] = {{4, 0, 0}, {1, 4 * kVectorBytes, 4}};
constexpr CodePlane kPlanes6[] = {{4, 0, 0}, {2, 4 * kVectorBytes, 4}};
constexpr CodePlane kPlanes8[] = {{8, 0, 0}};

}  // namespace

std::span<const CodePlane> code_planes(PanelFormat format) noexcept {
  switch (format) {
    case PanelFormat::kF32:
    case PanelFormat::kBf16:
      return {};
    case PanelFormat::kInt2:
      return kPlanes2;
    case PanelFormat::kInt3:
      return kPlanes3;
    case PanelFormat::kInt4:
    case PanelFormat::kLut4:
      return kPlanes4;
    case PanelFormat::kInt5:
      return kPlanes5;
    case PanelFormat::kInt6:
      return kPlanes6;
    case PanelFormat::kInt8:
      return kPlanes8;
  }
  return {};
}

std::size_t chunk_bytes(PanelFormat format) noexcept {
  std::size_t n_bits = 0;
  for (const CodePlane& plane : code_planes(format)) {
    n_bits += plane.bits;
  }
  return n_bits * kVectorBytes;
}

GroupShape make_group_shape(std::size_t cols, std::size_t group) noexcept {
  GroupShape shape{.cols = cols, .group = std::min(group, cols)};
  shape.block = shape.group <= 16 ? 16 : 32;
  shape.blocks_per_group = ceil_div(shape.group, shape.block);
  shape.n_groups = ceil_div(cols, shape.group);
  const std::size_t last = cols - (shape.n_groups - 1) * shape.group;
  shape.n_blocks = (shape.n_groups - 1) * shape.blocks_per_group + ceil_div(last, shape.block);
  return shape;
}

std::size_t float_panel_bytes(PanelFormat format, std::size_t cols) noexcept {
  return format == PanelFormat::kF32 ? cols * kPanelRows * sizeof(float)
                                     : round_up(cols, 2) * kPanelRows * sizeof(std::uint16_t);
}

std::size_t code_panel_bytes(PanelFormat format, const GroupShape& groups) noexcept {
  return ceil_div(groups.n_blocks, groups.blocks_per_chunk()) * chunk_bytes(format);
}

BlockColumns block_columns(const GroupShape& shape, std::size_t block) noexcept {
  const std::size_t in_group = block % shape.blocks_per_group * shape.block;
  const std::size_t first = block / shape.blocks_per_group * shape.group + in_group;
  return {first, std::min({shape.block, shape.group - in_group, shape.cols - first})};
}

PanelStorage::PanelStorage(std::size_t n_bytes) : n_bytes_(n_bytes) {
  static std::mutex mutex;
  static std::weak_ptr<Region> shared;
  const std::size_t padded = round_up(std::max<std::size_t>(n_bytes, 1), kVectorBytes);
  const std::lock_guard lock(mutex);
  auto region = shared.lock();
  std::byte* piece = region != nullptr ? region->take(padded) : nullptr;
  if (piece == nullptr) {
    region = std::make_shared<Region>(std::max(padded, Region::kBytes));
    piece = region->take(padded);
    shared = region;
  }
  bytes_ = {piece, [region, padded](std::byte* bytes) { Region::give_back(bytes, padded); }};
}

std::size_t Panels::n_bytes() const noexcept {
  return codes.size() + (scales.size() + offsets.size()) * sizeof(std::uint16_t) +
         integer_scales.size() + integer_offsets.size() + row_factors.size() * sizeof(float) +
         order.size() * sizeof(std::int32_t);
}

Panels pack_panels(const codec::EncodedMatrix& weight, Arithmetic arithmetic, ThreadPool& pool) {
  Panels out;
  out.rows = weight.rows;
  out.cols = weight.cols;
  out.n_panels = ceil_div(weight.rows, kPanelRows);
  if (arithmetic != Arithmetic::kF32 && pack_codes(weight, out, pool)) {
    return out;
  }
  const bool f32 = arithmetic == Arithmetic::kF32;
  out.format = f32 ? PanelFormat::kF32 : PanelFormat::kBf16;
  out.panel_bytes = float_panel_bytes(out.format, weight.cols);
  out.codes = PanelStorage(out.n_panels * out.panel_bytes);
  pack_floats(weight, f32 ? place_f32 : place_bf16, out, pool);
  return out;
}

void unpack_panel_row(const Panels& panels, std::size_t row, float* out) noexcept {
  const std::byte* panel = panels.panel(row / kPanelRows);
  const std::size_t r = row % kPanelRows;
  switch (panels.format) {
    case PanelFormat::kF32:
      for (std::size_t c = 0; c < panels.cols; ++c) {
        out[c] = reinterpret_cast<const float*>(panel)[c * kPanelRows + r];
      }
      return;
    case PanelFormat::kBf16:
      for (std::size_t c = 0; c < panels.cols; ++c) {
        out[c] = bf16_to_f32(
            reinterpret_cast<const std::uint16_t*>(panel)[(c / 2 * kPanelRows + r) * 2 + c % 2]);
      }
      return;
    default:
      unpack_code_row(panels, row, out);
      return;
  }
}

}  // namespace nibble::kernels
