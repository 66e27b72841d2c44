#include "kernels/panel_stream.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "base/checked_math.h"
#include "base/error.h"

namespace nibble::kernels {
namespace {

static_assert(std::endian::native == std::endian::little);

struct Header {
  std::uint64_t rows;
  std::uint64_t cols;
  std::uint64_t group;
  std::int32_t zero;
  float level_factor;
  std::uint8_t format;
  std::uint8_t has_offsets;
  std::uint8_t has_integer_scales;
  std::uint8_t super_shift;
  std::uint8_t levels[16];
  std::uint8_t has_order;
  std::uint8_t padding[3];
};
static_assert(sizeof(Header) == 56 && std::is_trivially_copyable_v<Header>);

Header header_of(const Panels& panels) noexcept {
  Header header{};
  header.rows = panels.rows;
  header.cols = panels.cols;
  header.group = panels.groups.group;
  header.zero = panels.zero;
  header.level_factor = panels.level_factor;
  header.format = static_cast<std::uint8_t>(panels.format);
  header.has_offsets = panels.has_offsets ? 1 : 0;
  header.has_integer_scales = panels.integer_scales.empty() ? 0 : 1;
  header.has_order = panels.order.empty() ? 0 : 1;
  header.super_shift = static_cast<std::uint8_t>(panels.super_shift);
  std::memcpy(header.levels, panels.levels.data(), sizeof(header.levels));
  return header;
}

void want(bool is_right, std::string_view field) {
  if (!is_right) {
    raise(ErrorCode::kCorruptData, "packed weights: {}: not what this program writes", field);
  }
}

void check(const Header& header, std::size_t rows, std::size_t cols) {
  constexpr unsigned kMaxSuperShift = 8;
  constexpr std::int32_t kMaxZero = 255;
  if (header.rows != rows || header.cols != cols) {
    raise(ErrorCode::kCorruptData,
          "packed weights: shape [{}, {}], expected [{}, {}]",
          header.rows,
          header.cols,
          rows,
          cols);
  }
  want(header.format < kPanelFormats, "format");
  if (!holds_codes(static_cast<PanelFormat>(header.format))) {
    return;
  }
  want(header.group >= 1 && header.group <= cols, "group");
  want(header.zero >= 0 && header.zero <= kMaxZero, "zero");
  want(std::isfinite(header.level_factor), "level factor");
  want(header.has_offsets <= 1 && header.has_integer_scales <= 1 && header.has_order <= 1, "flags");
  want(header.super_shift <= kMaxSuperShift, "super shift");
}

/// Everything that follows from the header: sizes, but no memory yet.
Panels outline(const Header& header) {
  Panels panels;
  panels.format = static_cast<PanelFormat>(header.format);
  panels.rows = header.rows;
  panels.cols = header.cols;
  panels.n_panels = ceil_div(panels.rows, kPanelRows);
  if (!holds_codes(panels.format)) {
    panels.panel_bytes = float_panel_bytes(panels.format, panels.cols);
    return panels;
  }
  panels.groups = make_group_shape(panels.cols, header.group);
  panels.panel_bytes = code_panel_bytes(panels.format, panels.groups);
  panels.zero = header.zero;
  panels.level_factor = header.level_factor;
  panels.has_offsets = header.has_offsets != 0;
  panels.super_shift = header.super_shift;
  panels.n_supers = ceil_div(panels.groups.n_groups, std::size_t{1} << panels.super_shift);
  std::memcpy(panels.levels.data(), header.levels, sizeof(header.levels));
  return panels;
}

template <class T>
void read_into(std::vector<T>& values, std::size_t n, ByteSource& from) {
  if (n > from.remaining() / sizeof(T)) {
    raise(ErrorCode::kCorruptData, "packed weights: the file ends within a matrix");
  }
  values.resize(n);
  from.read(std::as_writable_bytes(std::span(values)));
}

template <class T>
void write_all(const std::vector<T>& values, ByteSink& to) {
  to.write(std::as_bytes(std::span(values)));
}

}  // namespace

void write_panels(const Panels& panels, ByteSink& to) {
  const Header header = header_of(panels);
  to.write(std::as_bytes(std::span(&header, 1)));
  to.write({panels.codes.data(), panels.n_panels * panels.panel_bytes});
  write_all(panels.scales, to);
  write_all(panels.offsets, to);
  write_all(panels.integer_scales, to);
  write_all(panels.integer_offsets, to);
  write_all(panels.row_factors, to);
  write_all(panels.order, to);
}

Panels read_panels(ByteSource& from, std::size_t rows, std::size_t cols) {
  Header header;
  from.read(std::as_writable_bytes(std::span(&header, 1)));
  check(header, rows, cols);
  Panels panels = outline(header);
  const auto n_bytes = checked_mul(panels.n_panels, panels.panel_bytes);
  if (!n_bytes || *n_bytes > from.remaining()) {
    raise(ErrorCode::kCorruptData, "packed weights: the file ends within a matrix");
  }
  panels.codes = PanelStorage(*n_bytes);
  from.read({panels.codes.data(), *n_bytes});
  if (holds_codes(panels.format)) {
    const std::size_t n_scales = panels.n_panels * panels.n_supers * kPanelRows;
    const std::size_t n_integers =
        header.has_integer_scales != 0 ? panels.n_panels * panels.groups.n_groups * kPanelRows : 0;
    read_into(panels.scales, n_scales, from);
    read_into(panels.offsets, panels.has_offsets ? n_scales : 0, from);
    read_into(panels.integer_scales, n_integers, from);
    read_into(panels.integer_offsets, panels.has_offsets ? n_integers : 0, from);
    read_into(panels.row_factors, panels.n_panels * kPanelRows, from);
    read_into(panels.order, header.has_order != 0 ? cols : 0, from);
    for (const std::int32_t column : panels.order) {  // followed when activations are gathered
      want(column >= 0 && static_cast<std::size_t>(column) < cols, "order");
    }
  }
  return panels;
}

}  // namespace nibble::kernels
