#include "data/catalog.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/suggest.h"

namespace nibble::data {
namespace {

constexpr std::string_view kSubject = "{subject}";
constexpr const char* kShareAlike4 = "CC BY-SA 4.0";
constexpr const char* kShareAlike3 = "CC BY-SA 3.0";
constexpr const char* kUnstated = "not stated";

/// A part of a set on the hub as a file.
struct Split {
  const char* split;
  const char* file;
  bool is_large = false;
};

struct SetRow {
  const char* set;
  const char* dataset;
  const char* config;
  const char* licence;
  std::vector<Split> splits;
  FileForm form = FileForm::kJsonLines;
};

constexpr Split kTest{"test", "test.jsonl"};
constexpr Split kValidation{"validation", "validation.jsonl"};
constexpr Split kTrain{"train", "train.jsonl"};
constexpr Split kLargeTrain{"train", "train.jsonl", true};

std::vector<SetRow> set_rows() {
  return {
      {"arc_challenge", "allenai/ai2_arc", "ARC-Challenge", kShareAlike4, {kTest, kTrain}},
      {"arc_easy", "allenai/ai2_arc", "ARC-Easy", kShareAlike4, {kTest, kTrain}},
      {"boolq", "aps/super_glue", "boolq", kShareAlike3, {kValidation, kLargeTrain}},
      {"commonsense_qa", "tau/commonsense_qa", "", "MIT", {kValidation, kLargeTrain}},
      {"coqa", "EleutherAI/coqa", "", "several, by source", {kValidation, kLargeTrain}},
      {"drop", "EleutherAI/drop", "", kShareAlike4, {kValidation, kLargeTrain}},
      {"gsm8k", "openai/gsm8k", "main", "MIT", {kTest, kTrain}},
      {"hellaswag", "Rowan/hellaswag", "", "MIT", {kValidation, kLargeTrain}},
      {"humaneval",
       "openai/openai_humaneval",
       "openai_humaneval",
       "MIT",
       {{"test", "HumanEval.jsonl"}}},
      {"lambada", "EleutherAI/lambada_openai", "default", kUnstated, {kTest}},
      {"mmlu",
       "cais/mmlu",
       "{subject}",
       "MIT",
       {{"test", "{subject}/test.jsonl"}, {"dev", "{subject}/dev.jsonl"}}},
      {"nq_open", "google-research-datasets/nq_open", "", kShareAlike3, {kValidation, kLargeTrain}},
      {"openbookqa", "allenai/openbookqa", "main", kUnstated, {kTest, kTrain}},
      {"piqa", "baber/piqa", "", kUnstated, {kValidation, kLargeTrain}},
      {"quac", "lighteval/quac_helm", "", kShareAlike4, {kValidation}},
      {"sciq", "allenai/sciq", "", "CC BY-NC 3.0", {kTest, kLargeTrain}},
      {"social_iqa", "lighteval/siqa", "", kUnstated, {kValidation, kLargeTrain}},
      {"squad",
       "lighteval/squad_v2",
       "",
       kShareAlike4,
       {{"validation", "squad_v2_validation.jsonl"}}},
      {"squad",
       "rajpurkar/squad",
       "",
       kShareAlike4,
       {{"validation", "dev-v1.1.json"}},
       FileForm::kSquad},
      {"squad_completion", "hazyresearch/based-squad", "default", kUnstated, {kValidation}},
      {"triviaqa", "mandarjoshi/trivia_qa", "rc.nocontext", kUnstated, {kValidation, kLargeTrain}},
      {"truthfulqa", "truthfulqa/truthful_qa", "multiple_choice", "Apache 2.0", {kValidation}},
      {"wikitext2",
       "Salesforce/wikitext",
       "wikitext-2-raw-v1",
       kShareAlike3,
       {{"test", "wiki.test.raw"}, {"train", "wiki.train.raw", true}},
       FileForm::kText},
      {"winogrande", "allenai/winogrande", "winogrande_xl", kUnstated, {kValidation, kLargeTrain}},
  };
}

/// What stands for the subject in `text`, where it is `pattern` with something for it; "" for a
/// pattern without one, nullopt where they do not fit.
std::optional<std::string> subject_in(std::string_view text, std::string_view pattern) {
  const std::size_t at = pattern.find(kSubject);
  if (at == std::string_view::npos) {
    return text == pattern ? std::optional(std::string()) : std::nullopt;
  }
  const std::string_view before = pattern.substr(0, at);
  const std::string_view after = pattern.substr(at + kSubject.size());
  if (text.size() <= before.size() + after.size() || !text.starts_with(before) ||
      !text.ends_with(after)) {
    return std::nullopt;
  }
  const std::string_view subject =
      text.substr(before.size(), text.size() - before.size() - after.size());
  return subject.find('/') == std::string_view::npos ? std::optional(std::string(subject))
                                                     : std::nullopt;
}

std::string filled(std::string text, const std::string& subject) {
  const std::size_t at = text.find(kSubject);
  return at == std::string::npos ? text : text.replace(at, kSubject.size(), subject);
}

}  // namespace

const std::vector<CatalogFile>& catalog() {
  static const std::vector<CatalogFile> kCatalog = [] {
    std::vector<CatalogFile> out;
    for (const SetRow& row : set_rows()) {
      for (const Split& split : row.splits) {
        out.push_back({row.set,
                       std::string(row.set) + "/" + split.file,
                       row.dataset,
                       row.config,
                       split.split,
                       row.licence,
                       row.form,
                       split.is_large});
      }
    }
    return out;
  }();
  return kCatalog;
}

std::optional<CatalogFile> catalog_file(std::string_view path) {
  for (const CatalogFile& file : catalog()) {
    if (const auto subject = subject_in(path, file.path)) {
      CatalogFile out = file;
      out.path = path;
      out.config = filled(out.config, *subject);
      return out;
    }
  }
  return std::nullopt;
}

Result<std::vector<CatalogFile>> files_of_set(std::string_view set) {
  std::vector<CatalogFile> files;
  std::vector<std::string_view> names;
  for (const CatalogFile& file : catalog()) {
    const bool has_subjects = file.path.find(kSubject) != std::string::npos;
    names.emplace_back(file.set);
    if (file.set == set && !has_subjects) {
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
