/// Merges as files list them, the earliest first, into a table of ids.
///
/// Errors     throws kCorruptData: a merge that is not two tokens, or whose result is no token
///            (index named)
/// Source     GPT-2; the BPE model of the `tokenizers` package
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "text/vocab/bpe.h"

namespace nibble::text {

/// A merge as the vocabulary spells its two sides.
using MergePair = std::pair<std::string_view, std::string_view>;

/// "Ġ t" as a pair: cut at the first blank that is not the first character. Throws kCorruptData.
[[nodiscard]] MergePair parse_merge(std::string_view merge, std::size_t index);

/// Adds `merges`, the first with rank 0, to `parts`, whose pieces are complete. `spellings` is what
/// merges are written in.
void add_ranked_merges(BpeParts& parts,
                       const StringIndex& spellings,
                       const std::vector<MergePair>& merges);

}  // namespace nibble::text
