/// A study file: which model, which variants, which tasks, where to.
///
///   name   = "…"
///   model  = "model.gguf"            # a file, a Hugging Face folder, or "demo"
///   data   = "."                     # folder of the tasks' data
///   output = "out"                   # store, variants and report
///   arithmetic = "deterministic"     # optional; threads = 2; notes = ["…"]
///   [measure]                        # optional: speed and memory of each variant
///   prompt_tokens = 128              # new_tokens, repetitions, warmups
///   [[task]]
///   name  = "arc_easy"               # limit = 100, context = 2048
///   [[variant]]
///   recipe = "none"                  # the reference comes first; name = "…" is optional
///   kv     = "kivi-4"                # optional, not for the reference: keys and values
///
/// Relative paths are relative to the study file.
///
/// Errors     kNotFound, kCorruptData with file:line:column (unknown keys with the nearest known
///            one)
/// Source     our own; docs/guide/study.md
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arithmetic.h"
#include "base/result.h"
#include "profile/measure.h"
#include "quant/recipe.h"

namespace nibble::study {

/// The recipe of the reference: the model as it came.
inline constexpr std::string_view kNoRecipe = "none";

struct TaskSpec {
  std::string name;
  std::size_t limit = 0;       ///< first n samples; 0: all
  std::size_t context = 2048;  ///< window of the perplexity protocols
};

struct VariantSpec {
  std::string name;
  std::string recipe;                   ///< "none", a built-in recipe, or a path
  const codec::KvScheme* kv = nullptr;  ///< of keys and values; none: what the recipe says
};

struct Spec {
  std::string name;
  std::filesystem::path model;
  std::filesystem::path data;
  std::filesystem::path output;
  Arithmetic arithmetic = Arithmetic::kDeterministic;
  std::size_t threads = 0;  ///< 0: all usable processors
  std::vector<std::string> notes;
  std::vector<TaskSpec> tasks;
  std::vector<VariantSpec> variants;  ///< the reference first
  std::optional<profile::Options> measure;
};

Spec read_spec(const std::filesystem::path& path);
/// `folder` is what relative paths are relative to.
Spec parse_spec(std::string_view text, std::string_view where, const std::filesystem::path& folder);

/// Where scripts/get-demo-model puts the demo model.
std::filesystem::path demo_model_path();

}  // namespace nibble::study
