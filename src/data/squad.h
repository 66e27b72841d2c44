/// SQuAD in its official nested JSON, flattened to one record a question, in the order of the file.
///
///   {"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers":
///   [{"text"}]}]}]}]}
///
/// Errors     as read_text; kCorruptData "PATH: data[0].paragraphs[2].qas[1]: no text 'question'"
/// Source     Rajpurkar et al. 2016; version 1.1, also XQuAD; unanswerable questions of version 2
///            have no answers
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/data_set.h"

namespace nibble::data {

struct SquadRecord {
  std::string id;
  std::string title;  ///< "" where the file has none
  std::string context;
  std::string question;
  std::vector<std::string> answers;  ///< as given, with repetitions
};

Result<DataSet<SquadRecord>> squad_records(const std::filesystem::path& path);

}  // namespace nibble::data
