/// The documents of a folder or of a file of JSON lines, one by one.
///
///   FOLDER       every file below it whose ending formats.h knows, in the order of their names;
///                hidden files and other endings are passed over
///   FILE.jsonl   (also .gz) one document a line: {"_id": …, "title": …, "text": …} as BEIR has it;
///                "id" is read like "_id"; a number is taken as its text; other keys are ignored
///   FILE         a single file of such a format
///
/// A file of a folder that cannot be read is told to `unreadable` and passed over; a bad line ends
/// the reading.
///
/// Errors     kNotFound; kCorruptData with PATH:LINE, also for an id that stands there twice (with
///            the line of the first) and for a source without any document; kUnsupported for a
///            file of another kind
/// Source     our own
#pragma once

#include <filesystem>

#include "base/function_ref.h"
#include "base/result.h"
#include "rag/source/document.h"

namespace nibble::rag {

using OnDocument = FunctionRef<void(Document&&)>;
using OnUnreadable = FunctionRef<void(const Failure& why)>;

/// Throws what `on_document` throws.
Result<void> for_each_document(const std::filesystem::path& source,
                               OnDocument on_document,
                               OnUnreadable unreadable);

}  // namespace nibble::rag
