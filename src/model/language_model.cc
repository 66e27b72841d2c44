#include "model/language_model.h"

namespace nibble::model {

KvCache LanguageModel::make_cache(std::size_t max_bytes) const {
  return {config(), arithmetic() == Arithmetic::kF32 ? DType::kF32 : DType::kF16, max_bytes};
}

}  // namespace nibble::model
