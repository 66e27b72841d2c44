#include "text/read/ranked_merges.h"

#include "base/error.h"

namespace nibble::text {

MergePair parse_merge(std::string_view merge, std::size_t index) {
  const std::size_t blank = merge.find(' ', 1);
  if (blank == std::string_view::npos || blank + 1 == merge.size()) {
    raise(ErrorCode::kCorruptData,
          "merge {}: '{}' is not two tokens with a blank between",
          index,
          merge);
  }
  return {merge.substr(0, blank), merge.substr(blank + 1)};
}

void add_ranked_merges(BpeParts& parts,
                       const StringIndex& spellings,
                       const std::vector<MergePair>& merges) {
  parts.merges = MergeTable(merges.size());
  const auto id_of = [&](std::string_view spelling, std::size_t index) {
    const auto id = spellings.find(spelling);
    if (!id) {
      raise(ErrorCode::kCorruptData, "merge {}: '{}' is not in the vocabulary", index, spelling);
    }
    return *id;
  };
  std::string joined;
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const auto& [left, right] = merges[i];
    joined.assign(left).append(right);
    parts.merges.add(
        id_of(left, i), id_of(right, i), {static_cast<std::uint32_t>(i), id_of(joined, i)});
  }
}

}  // namespace nibble::text
