/// A store's records in the one order that its content gives.
///
/// Tables in the order of the schema, rows in the order of their keys, written in one go into an
/// empty file without a log: equal records give equal bytes (of one version of SQLite, whose number
/// is in the file).
///
/// Errors     those of Store
/// Source     our own; https://www.sqlite.org/fileformat2.html
#pragma once

#include <filesystem>

namespace nibble::store {

/// `target` must not exist; what it holds is on the disk when the call returns.
void write_canonical(const std::filesystem::path& store, const std::filesystem::path& target);

}  // namespace nibble::store
