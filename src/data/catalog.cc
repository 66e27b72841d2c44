#include "data/catalog.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/suggest.h"

namespace nibble::data {
namespace {

constexpr std::string_view kArc = "allenai/ai2_arc";
constexpr std::string_view kShareAlike4 = "CC BY-SA 4.0";
constexpr std::string_view kShareAlike3 = "CC BY-SA 3.0";
constexpr std::string_view kUnstated = "not stated";

constexpr std::array kCatalog = std::to_array<CatalogFile>({
    {"arc_challenge", "arc_challenge/test.jsonl", kArc, "ARC-Challenge", "test", kShareAlike4},
    {"arc_challenge", "arc_challenge/train.jsonl", kArc, "ARC-Challenge", "train", kShareAlike4},
    {"arc_easy", "arc_easy/test.jsonl", kArc, "ARC-Easy", "test", kShareAlike4},
    {"arc_easy", "arc_easy/train.jsonl", kArc, "ARC-Easy", "train", kShareAlike4},
    {"boolq", "boolq/dev.jsonl", "google/boolq", "default", "validation", kShareAlike3},
    {"commonsense_qa",
     "commonsense_qa/validation.jsonl",
     "tau/commonsense_qa",
     "default",
     "validation",
     "MIT"},
    {"gsm8k", "gsm8k/test.jsonl", "openai/gsm8k", "main", "test", "MIT"},
    {"gsm8k", "gsm8k/train.jsonl", "openai/gsm8k", "main", "train", "MIT"},
    {"hellaswag", "hellaswag/validation.jsonl", "Rowan/hellaswag", "default", "validation", "MIT"},
    {"humaneval",
     "humaneval/HumanEval.jsonl",
     "openai/openai_humaneval",
     "openai_humaneval",
     "test",
     "MIT"},
    {"nq_open",
     "nq_open/NQ-open.dev.jsonl",
     "google-research-datasets/nq_open",
     "nq_open",
     "validation",
     kShareAlike3},
    {"openbookqa", "openbookqa/test.jsonl", "allenai/openbookqa", "main", "test", kUnstated},
    {"openbookqa", "openbookqa/train.jsonl", "allenai/openbookqa", "main", "train", kUnstated},
    {"sciq", "sciq/validation.jsonl", "allenai/sciq", "default", "validation", "CC BY-NC 3.0"},
    {"wikitext2",
     "wikitext2/wiki.test.raw",
     "Salesforce/wikitext",
     "wikitext-2-raw-v1",
     "test",
     kShareAlike3,
     FileForm::kText},
    {"winogrande",
     "winogrande/dev.jsonl",
     "allenai/winogrande",
     "winogrande_xl",
     "validation",
     kUnstated},
});

}  // namespace

std::span<const CatalogFile> catalog() {
  return kCatalog;
}

Result<std::vector<CatalogFile>> files_of_set(std::string_view set) {
  std::vector<CatalogFile> files;
  std::vector<std::string_view> names;
  for (const CatalogFile& file : kCatalog) {
    names.push_back(file.set);
    if (file.set == set) {
      files.push_back(file);
    }
  }
  if (files.empty()) {
    return fail(ErrorCode::kNotFound,
                "unknown data set '{}'{}; nibble data list names those that can be pulled",
                set,
                did_you_mean(set, names));
  }
  return files;
}

}  // namespace nibble::data
