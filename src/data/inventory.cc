#include "data/inventory.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "data/catalog.h"
#include "data/manifest.h"
#include "data/text_file.h"

namespace nibble::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 100'000;

/// Set to licence, from SOURCES.md.
std::map<std::string, std::string> stated_licences(const fs::path& folder) {
  std::map<std::string, std::string> out;
  const auto text = read_text_file(folder / "SOURCES.md");
  if (!text) {
    return out;
  }
  std::string set;
  const std::string content = Result(text).take();
  for (const std::string_view line : split_lines(content)) {
    constexpr std::string_view kSection = "## ";
    constexpr std::string_view kLicence = "- Licence: ";
    if (line.starts_with(kSection)) {
      const std::string_view title = line.substr(kSection.size());
      set = title.substr(0, title.find(' '));
    } else if (line.starts_with(kLicence)) {
      out.emplace(set, line.substr(kLicence.size()));
    }
  }
  return out;
}

std::string licence_of(const std::string& path, const std::map<std::string, std::string>& stated) {
  const std::string set = path.substr(0, path.find('/'));
  if (const auto found = stated.find(set); found != stated.end()) {
    return found->second;
  }
  const auto file = std::ranges::find(catalog(), set, &CatalogFile::set);
  return file != catalog().end() ? std::string(file->licence) : "";
}

Known known_as(const Manifest& manifest, const InventoryFile& file) {
  const auto entry = manifest.find(file.path);
  if (entry == manifest.end()) {
    return Known::kNotListed;
  }
  return entry->second == file.sha256 ? Known::kSame : Known::kOther;
}

}  // namespace

Result<std::vector<InventoryFile>> take_inventory(const fs::path& folder) {
  try {
    if (!fs::is_directory(folder)) {
      return fail(ErrorCode::kNotFound, "{}: no such folder", folder.string());
    }
    const Manifest manifest = read_manifest(folder).take();
    const auto stated = stated_licences(folder);
    std::vector<InventoryFile> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      InventoryFile file{
          fs::relative(entry.path(), folder).generic_string(), 0, "", Known::kNotListed, ""};
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file() || file.path.find('/') == std::string::npos ||
          name.starts_with('.') || name.ends_with(".part")) {
        continue;
      }
      if (files.size() >= kMostFiles) {
        return fail(ErrorCode::kInvalidArgument,
                    "{}: more than {} files, wanted a folder of data sets",
                    folder.string(),
                    kMostFiles);
      }
      file.n_bytes = entry.file_size();
      file.sha256 = file_hash(entry.path()).take();
      file.known = known_as(manifest, file);
      file.licence = licence_of(file.path, stated);
      files.push_back(std::move(file));
    }
    std::ranges::sort(files, {}, &InventoryFile::path);
    return files;
  } catch (const Error& error) {
    return error.failure();
  } catch (const fs::filesystem_error& error) {
    return fail(ErrorCode::kIo, "{}", error.what());
  }
}

}  // namespace nibble::data
