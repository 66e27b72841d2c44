/// Writes a report: report.md, index.html, and each table as Markdown, LaTeX and CSV under tables/;
/// wrong answers and recipes, of which the page may have some only, as CSV alone.
///
/// A pure function of the store: equal store, equal bytes. Each file appears whole or not at all,
/// and a report that fails leaves no folder behind that was not there before.
///
/// Errors     those of the store; kIo with the path
/// Source     our own
#pragma once

#include <filesystem>

#include "report/data.h"
#include "store/store.h"

namespace nibble::report {

/// Creates `folder` where it is absent. Returns the path of index.html.
std::filesystem::path write_report(const store::Store& store, const std::filesystem::path& folder);

std::string markdown_report(const Data& data);

}  // namespace nibble::report
