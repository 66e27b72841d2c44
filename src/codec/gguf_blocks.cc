#include "codec/gguf_blocks.h"

#include "codec/gguf_blocks_small.h"
#include "codec/gguf_iq4.h"
#include "codec/gguf_kblock.h"

namespace nibble::codec {
namespace {

template <class... Formats>
struct FormatList {
  static constexpr std::array<std::string_view, sizeof...(Formats)> kNames = {Formats::kName...};

  static std::shared_ptr<const BlockCodec> find(std::string_view name) {
    std::shared_ptr<const BlockCodec> found;
    const auto take = [&]<class Format>() {
      if (name == Format::kName) {
        found = std::make_shared<const GridBlockCodec<Format>>();
      }
    };
    (take.template operator()<Formats>(), ...);
    return found;
  }
};

using GgufFormats = FormatList<Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K, Iq4Nl, Iq4Xs>;

}  // namespace

std::shared_ptr<const BlockCodec> gguf_block_codec(std::string_view name) {
  return GgufFormats::find(name);
}

std::span<const std::string_view> gguf_block_names() noexcept {
  return GgufFormats::kNames;
}

}  // namespace nibble::codec
