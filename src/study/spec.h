/// A study file: which model, which variants, which tasks, where to.
///
///   name   = "…"
///   model  = "model.gguf"            # a file, a Hugging Face folder, a pulled "org/name", "demo"
///   data   = "."                     # folder of the tasks' data
///   output = "out"                   # store, variants and report
///   arithmetic = "deterministic"     # optional; threads = 2; notes = ["…"]
///   device = "cpu"                   # optional; or "cuda:0", with device_memory = "6GB" at most
///   [measure]                        # optional: speed, memory and energy of each variant
///   prompt_tokens = 128              # and what docs/guide/profile.md lists
///   [cost]                           # optional: per_hour, per_kwh, currency
///   [[task]]
///   name  = "arc_easy"               # or "my/quiz.toml"; limit = 100, context = 2048,
///                                    # max_answer = 64
///   apply_chat_template = true       # fewshot_as_multiturn = true, system = "…"
///   [[task]]
///   name  = "humaneval"              # samples = 20, pass_k = [1, 10], temperature = 0.2,
///                                    # top_p = 0.95, seed = 0; only with --allow-code
///   [[rag]]                          # questions over documents (docs/guide/rag.md)
///   set       = "squad"              # limit, shuffle, example, cite, abstain, chat, system
///   context   = "gold"               # retrieved, oracle, closed; documents = 10
///   lengths   = [512, 1024, 2048]    # tokens of a prompt: a task each
///   positions = [0, 4, 9]            # of the gold document: a task each
///   attention = true                 # where the model looks
///   retriever = ["bm25", "minilm"]   # of context = "retrieved": a task for each
///   [[retriever]]                    # search/read_retrievers.h
///   name    = "minilm"
///   encoder = "all-MiniLM-L6-v2"
///   [[variant]]
///   recipe = "none"                  # the reference comes first; name = "…" is optional
///   kv     = "kivi-4"                # optional, not for the reference: keys and values
///
/// Relative paths are relative to the study file.
///
/// Tasks, sets of questions and recipes must be known, and their own files right; data and models
/// are not looked at.
///
/// Errors     kNotFound, kCorruptData with file:line:column (unknown keys and names with the
///            nearest known one)
/// Source     our own; docs/guide/study.md
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arithmetic.h"
#include "base/result.h"
#include "eval/code/humaneval.h"
#include "profile/measure.h"
#include "quant/recipe.h"
#include "rag/answer/context.h"
#include "study/search/read_retrievers.h"

namespace nibble::study {

/// What runs the models where the file does not say.
inline constexpr std::string_view kHost = "cpu";

/// The recipe of the reference: the model as it came.
inline constexpr std::string_view kNoRecipe = "none";

struct TaskSpec {
  std::string name;            ///< as eval has it, or the path of a task file
  std::size_t limit = 0;       ///< first n samples; 0: all
  std::size_t context = 2048;  ///< window of the perplexity protocols
  std::size_t max_answer = 0;  ///< tokens of a generated answer; 0: the task's own rule
  bool applies_template = false, is_multiturn = true;
  std::string system{};       ///< a message in front of every question
  eval::CodeSampling code{};  ///< of humaneval
};

/// A set of questions over documents, asked in each way that lengths and positions name.
struct RagSpec {
  std::string set;
  std::filesystem::path data{};  ///< where the set lies; "": in the study's data folder
  bool is_optional = false;      ///< left out where its data is not there
  std::size_t limit = 0;         ///< first n questions that fit; 0: all
  rag::ContextMode mode = rag::ContextMode::kGold;
  std::size_t n_documents = 0;
  std::vector<std::size_t> lengths{}, positions{};
  std::vector<std::string> retrievers{};  ///< by name; none: BM25 over the set
  bool measures_attention = false;
  bool is_shuffled = true, shows_example = true;
  bool asks_citations = false, allows_abstention = false;
  bool is_chat = false;
  std::string system{};
  std::size_t max_answer = 0;  ///< tokens; 0: what the set says
};

struct VariantSpec {
  std::string name;
  std::string recipe;                   ///< "none", a built-in recipe, or a path
  const codec::KvScheme* kv = nullptr;  ///< of keys and values; none: what the recipe says
};

/// What a device is called and what it costs: for utilisation, estimates and prices.
struct DeviceSpec {
  std::string hardware;                  ///< a row of the table of hardware; "": by its own name
  std::filesystem::path hardware_table;  ///< "": the built-in one
  std::optional<double> power_w;         ///< rated; none: the table's
  std::optional<double> per_hour, per_kwh;
  std::string currency = "USD";
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
  std::vector<RagSpec> rag;
  std::vector<RetrieverSpec> retrievers;
  std::vector<VariantSpec> variants;  ///< the reference first
  std::optional<profile::Options> measure;
  std::string device{kHost};
  std::size_t device_memory = 0;  ///< bytes that a model may take of the device; 0: what is free
  DeviceSpec device_spec;
  bool allows_code = false;  ///< said by who runs the study, never by its file
};

Spec read_spec(const std::filesystem::path& path);
/// `folder` is what relative paths are relative to.
Spec parse_spec(std::string_view text, std::string_view where, const std::filesystem::path& folder);

/// Where scripts/get-demo-model puts the demo model.
std::filesystem::path demo_model_path();

}  // namespace nibble::study
