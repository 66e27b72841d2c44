#include "study/planned_weights.h"

#include <fmt/format.h>

#include <algorithm>

#include "study/plan.h"
#include "study/share.h"

namespace nibble::study {
namespace {

/// "" where the store does not say it.
std::string stored_hash(const store::Store& store) {
  const auto conditions = store.conditions();
  const auto found = std::ranges::find(conditions, kSourceWeights, &store::Condition::key);
  const bool is_hash = found != conditions.end() && found->value.starts_with(kSha256);
  return is_hash ? found->value.substr(kSha256.size()) : "";
}

bool has_as_many_bytes(const store::Store& store, std::size_t n_bytes) {
  const auto variants = store.plan().variants;
  return !variants.empty() && variants.front().facts &&
         variants.front().facts->file_bytes == n_bytes;
}

}  // namespace

PlannedWeights planned_weights(const io::Checkpoint& checkpoint,
                               std::span<const std::filesystem::path> stores) {
  const auto path = std::ranges::find_if(stores, &is_store);
  if (path == stores.end()) {
    return {"not read", "weights: not read, as nothing is stored yet"};
  }
  const store::Store store = store::Store::open_read_only(*path);
  std::string hash = stored_hash(store);
  if (hash.empty() || !has_as_many_bytes(store, checkpoint.file_bytes())) {
    return {checkpoint.hash(), ""};
  }
  return {std::move(hash),
          fmt::format("weights: not read, taken for those of {} as they have as many bytes",
                      path->string())};
}

}  // namespace nibble::study
