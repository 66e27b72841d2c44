/// How a model keeps keys and values while it runs: floats, or coded by a scheme with the tables
/// that calibration made for it.
///
/// A quantized folder names its scheme in config.json (quantization_config.kv) and brings the
/// tables in kv_tables.json: for each layer key_levels, value_levels, key_lower and key_upper.
///
/// Errors     kNotFound for a scheme or tables that are not there; kCorruptData for tables that are
///            no tables of this model
/// Source     our own; docs/decisions/0014-coded-kv.md
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arithmetic.h"
#include "base/json.h"
#include "codec/kv/scheme.h"
#include "codec/kv/tables.h"
#include "io/checkpoint.h"
#include "model/config.h"

namespace nibble::model {

inline constexpr std::string_view kKvTablesFile = "kv_tables.json";

using KvTableList = std::vector<codec::KvTables>;

struct KvSetup {
  const codec::KvScheme* scheme = nullptr;
  DType float_dtype = DType::kF32;            ///< of all, or of what the scheme keeps as floats
  std::shared_ptr<const KvTableList> tables;  ///< one a layer, where the scheme needs them

  [[nodiscard]] std::string_view name() const noexcept { return scheme->name; }
};

/// Floats as an arithmetic wants them: f32 for `f32`, else f16.
KvSetup default_kv_setup(Arithmetic arithmetic);
/// A scheme that needs no tables, with floats as the arithmetic wants them.
KvSetup kv_setup(const codec::KvScheme& scheme, Arithmetic arithmetic);

/// The setup of `asked`, or where that is nothing, of the scheme that the checkpoint names, or the
/// default.
Result<KvSetup> read_kv_setup(const io::Checkpoint& checkpoint,
                              const ModelConfig& config,
                              Arithmetic arithmetic,
                              const codec::KvScheme* asked);

Json kv_tables_json(const codec::KvScheme& scheme, const KvTableList& tables);
Result<KvTableList> parse_kv_tables(const Json& json,
                                    const codec::KvScheme& scheme,
                                    const ModelConfig& config);

}  // namespace nibble::model
