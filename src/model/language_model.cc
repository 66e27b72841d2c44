#include "model/language_model.h"

#include "model/memory.h"

namespace nibble::model {
namespace {

/// Where the system does not say what is free.
constexpr std::size_t kUnknownMemory = std::size_t{4} << 30;

}  // namespace

std::size_t LanguageModel::cache_budget() const {
  return available_memory().value_or(kUnknownMemory) / 2;
}

KvSetup LanguageModel::kv() const {
  return kv_ ? *kv_ : default_kv_setup(arithmetic());
}

KvCache LanguageModel::make_cache(std::size_t max_bytes) const {
  return {config(), kv(), max_bytes, page_memory()};
}

}  // namespace nibble::model
