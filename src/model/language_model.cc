#include "model/language_model.h"

namespace nibble::model {

KvSetup LanguageModel::kv() const {
  return kv_ ? *kv_ : default_kv_setup(arithmetic());
}

KvCache LanguageModel::make_cache(std::size_t max_bytes) const {
  return {config(), kv(), max_bytes, page_memory()};
}

}  // namespace nibble::model
