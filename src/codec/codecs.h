/// The table of codecs: from a name, as it stands in files and reports, to the codec.
///
/// Errors     codec_from_name: kUnsupported, with the nearest known name
/// Source     our own
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "codec/codec.h"

namespace nibble::codec {

/// One family of codecs. A family with parameters ("int4g64a") parses them out of the name.
struct CodecRow {
  std::string_view pattern;                    ///< for people: "q4_0", "int<bits>g<group>[a]"
  std::span<const std::string_view> examples;  ///< names that tests and messages can use
  std::shared_ptr<const Codec> (*parse)(
      std::string_view name);  ///< nullptr when the name is not of this family
};

std::span<const CodecRow> codec_table();

Result<std::shared_ptr<const Codec>> codec_from_name(std::string_view name);

}  // namespace nibble::codec
