/// A recipe says how a model becomes a quantized one: an ordered list of stages, in TOML.
///
///   name    = "hqq-int4"
///   summary = "…"                                  # optional
///   kv      = "kivi-4"                             # optional: how keys and values are kept
///   kv_weighing = "gradients"                       # optional, of schemes with tables; "alike"
///   [calibration]                                   # for stages that look at inputs; windows.h
///   source = "wikitext2"
///   [activations]                                   # optional: rounded while the model runs
///   bits = 4                                        # clip, outliers; ops/token_rounding.h
///   [[stage]]
///   transform = "awq_scale"                         # before all solve stages
///   [[stage]]
///   solve  = "hqq"
///   scheme = { default = "int4g64fh", "lm_head.weight" = "keep" }
///   …                                               # settings of the method, all optional
///   [[stage]]
///   correct = "bias"                                # optional, last: correct.h
///
/// A scheme gives each weight a codec by name: the first pattern in file order that matches ("*"
/// any run, "?" any one character), else `default` for the linear layers; embeddings, head, norms
/// and biases keep what the source has unless a pattern names them. "keep" keeps the stored bits.
/// `mixture = "q4_k_m"` stands for default and for embeddings and head, too (mixture.h). A weight
/// goes to the first solve stage that gives it a codec.
///
/// Errors     kNotFound (a name is answered with the nearest built-in); kCorruptData
///            file:line:column (unknown keys with the nearest known one); kUnsupported for stages,
///            methods and codecs that do not exist or do not go together
/// Source     our own
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/codec.h"
#include "codec/kv/scheme.h"
#include "ops/token_rounding.h"
#include "quant/calibrate/windows.h"
#include "quant/correct.h"
#include "quant/kv/calibrate_kv.h"
#include "quant/mixture.h"
#include "quant/solver.h"
#include "quant/transform.h"

namespace nibble::quant {

/// One `pattern = codec` line of a scheme; no codec means keep.
struct SchemeRule {
  std::string pattern;
  std::shared_ptr<const codec::Codec> codec;
};

struct Scheme {
  std::shared_ptr<const codec::Codec> default_codec;  ///< for linear layers; none means keep
  const Mixture* mixture = nullptr;                   ///< instead of a default
  std::vector<SchemeRule> rules;                      ///< first match wins

  /// The rule that names `weight`, or nullptr.
  [[nodiscard]] const SchemeRule* match(std::string_view weight) const;
};

struct SolveStage {
  std::string method;
  Needs needs;
  std::shared_ptr<const Solver> solver;
  Scheme scheme;
};

/// A rewrite of the blocks before any solve stage.
struct TransformStage {
  std::string method;
  std::shared_ptr<const Transform> transform;
};

struct Recipe {
  std::string name;
  std::string summary;
  const codec::KvScheme* kv = nullptr;  ///< of keys and values; none: as the arithmetic wants
  KvWeighing kv_weighing = KvWeighing::kAlike;  ///< of the numbers that its tables are fitted to
  std::optional<CalibrationSpec> calibration;   ///< when a stage or the scheme looks at inputs
  ops::TokenRounding activations;
  std::vector<TransformStage> transforms;
  std::vector<SolveStage> stages;             ///< may be empty with `kv`: weights stay as they are
  const CorrectionRow* correction = nullptr;  ///< of the biases of quantized layers; may be none
  std::string
      text;  ///< canonical TOML of the stages, every setting spelled out; no name, no comments
  /// Whether blocks are rewritten, solved or corrected with calibration text.
  [[nodiscard]] bool looks_at_inputs() const;
  /// Whether a transform rewrites blocks, one after the other.
  [[nodiscard]] bool rewrites_blocks() const;

  std::string hash;  ///< SHA-256 of `text`: equal hashes, equal weights
};

/// A built-in recipe by name, a TOML file by path, or the inline form
/// "method=nearest,codec=int4g128a[,setting=value…]".
Result<Recipe> load_recipe(std::string_view name_or_path);
Result<Recipe> parse_recipe(std::string_view toml, std::string_view where);

/// The recipe with `file` as the importance matrix of its stages of method "gguf"; text is read
/// only where other stages look at it. kInvalidArgument for a recipe without such a stage.
Result<Recipe> with_importance_file(const Recipe& recipe, std::string_view file);

struct BuiltinRecipe {
  std::string_view name;
  std::string_view toml;
};
/// The files of recipes/, sorted by name; embedded at build time.
std::span<const BuiltinRecipe> builtin_recipes();

/// `text` as a TOML string.
std::string toml_text(std::string_view text);

/// True when `text` matches `pattern` as a whole; "*" stands for any run of characters, "?" for
/// one.
bool glob_match(std::string_view pattern, std::string_view text) noexcept;

}  // namespace nibble::quant
