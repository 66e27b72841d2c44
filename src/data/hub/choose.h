/// Which files of a repository are the model that nibble reads.
///
/// Patterns given: the files whose path matches one of them. Else, where there are safetensors in
/// the first folder: those, and configuration, tokenizer, templates, licence and page; never the
/// same weights a second time (.bin, .pt, .gguf, onnx and openvino folders, consolidated*). Else
/// the one GGUF model; where there are several, which of them is to be said.
///
/// Errors     kNotFound: nothing matches; kInvalidArgument: several GGUF models, with their names
///            and sizes; kUnsupported: weights of other kinds only
/// Source     fnmatch(3) for the patterns
#pragma once

#include <string>
#include <vector>

#include "data/hub/listing.h"

namespace nibble::data {

/// In the order of the listing.
Result<std::vector<HubFile>> choose_files(const std::vector<HubFile>& files,
                                          const std::vector<std::string>& patterns);

/// "4.2 GB"
std::string size_text(std::size_t n_bytes);

}  // namespace nibble::data
