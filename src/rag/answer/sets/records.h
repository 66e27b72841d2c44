/// Checks that the readers of JSON lines share.
///
/// Errors     Error(kCorruptData) with the record's place
/// Source     our own
#pragma once

#include "eval/tasks/data_file.h"
#include "rag/answer/question.h"

namespace nibble::rag {

/// An answerable question has an answer that is not blank, and a text.
void require_answer(const eval::Record& record, const OpenQuestion& question);

/// The records of one JSON list, with "PATH: question N" as their place.
void for_each_in_list(const eval::DataFile& file,
                      const std::function<void(const eval::Record& record)>& f);

}  // namespace nibble::rag
