/// Panels as bytes, so that a weight need not be packed twice.
///
/// Layout     a header of fixed size, the codes as they lie in memory, then scales, offsets,
///            integer scales, integer offsets, row factors and order, as far as the format has
///            them; all sizes follow from the header. Little-endian
/// Errors     read_panels: kCorruptData names the field; nothing is allocated for more bytes than
///            the source has
/// Source     our own; docs/formats/packed-weights.md
#pragma once

#include "base/byte_stream.h"
#include "kernels/panels.h"

namespace nibble::kernels {

/// Raise it with every change of a layout in panels.h or of the header.
inline constexpr int kPanelRevision = 2;

void write_panels(const Panels& panels, ByteSink& to);

/// Panels of a matrix [rows, cols], as `pack_panels` made them.
Panels read_panels(ByteSource& from, std::size_t rows, std::size_t cols);

}  // namespace nibble::kernels
