/// The vocabulary and the word model of a tokenizer.json.
///
/// Errors     kCorruptData (ids that are not dense, merges that name no token), kUnsupported
///            (Unigram, WordLevel, dropout, …)
/// Source     the file format of the `tokenizers` package
#pragma once

#include "text/read/huggingface_parts.h"

namespace nibble::text {

/// One entry of "added_tokens".
struct AddedEntry {
  AddedToken token;
  bool normalized = false;  ///< is looked for in the normalised text
  bool special = false;
};
[[nodiscard]] std::vector<AddedEntry> read_added_tokens(const Fields& document);

/// By id; "" where no token has the id.
[[nodiscard]] std::vector<std::string> read_vocabulary(const Fields& model,
                                                       const std::vector<AddedEntry>& added);

struct WordModelPlan {
  std::unique_ptr<const WordModel> model;
  std::optional<SplitStep> blank_cuts;  ///< a last step that changes no id
};
[[nodiscard]] WordModelPlan read_word_model(const Fields& model,
                                            std::size_t n_ids,
                                            bool byte_level);

}  // namespace nibble::text
