#include "data/hub/pull_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "base/folder_lock.h"
#include "base/json.h"
#include "data/hub/choose.h"
#include "data/hub/download.h"
#include "data/manifest.h"

namespace nibble::data {
namespace {

namespace fs = std::filesystem;

/// What an earlier pull left: files by path with their hashes.
struct PullManifest {
  std::string commit;
  std::map<std::string, std::string> hashes{};
  Json json = nullptr;
};

PullManifest read_pull_manifest(const fs::path& folder) {
  const fs::path path = folder / kManifestName;
  PullManifest out;
  if (!fs::exists(path)) {
    return out;
  }
  out.json = parse_json(read_text_file(path).take(), path.string()).take();
  try {
    out.commit = out.json.at("commit").get<std::string>();
    for (const Json& file : out.json.at("files")) {
      out.hashes[file.at("path").get<std::string>()] = file.at("sha256").get<std::string>();
    }
  } catch (const nlohmann::json::exception& error) {
    raise(ErrorCode::kCorruptData, "{}: {}", path.string(), error.what());
  }
  return out;
}

void write_pull_manifest(const ModelName& name, const PulledModel& model, PullManifest before) {
  for (const PulledPart& file : model.files) {
    before.hashes[file.path] = file.sha256;
  }
  Json files = Json::array();
  for (const auto& [path, sha256] : before.hashes) {
    files.push_back(
        {{"path", path}, {"bytes", fs::file_size(model.folder / path)}, {"sha256", sha256}});
  }
  const Json manifest = {{"repository", name.repository()},
                         {"revision", name.revision.empty() ? "main" : name.revision},
                         {"commit", model.commit},
                         {"licence", model.licence.empty() ? Json() : Json(model.licence)},
                         {"files", std::move(files)}};
  write_file_atomic(model.folder / kManifestName, dump_json(manifest) + "\n").take();
}

/// A file that lies there whole, with its hash; "" where it is to be fetched.
std::string hash_there(const fs::path& path, const HubFile& file, const PullManifest& before) {
  std::error_code absent;
  if (fs::file_size(path, absent) != file.n_bytes || absent) {
    if (!absent) {
      raise(ErrorCode::kMismatch,
            "{}: not of the size that the hub says; remove it to have it pulled again",
            path.string());
    }
    return "";
  }
  std::string is = file_hash(path).take();
  const auto known = before.hashes.find(file.path);
  const std::string wanted = !file.sha256.empty()           ? file.sha256
                             : known != before.hashes.end() ? known->second
                                                            : is;
  if (is != wanted) {
    raise(ErrorCode::kMismatch,
          "{}: not what was pulled; remove it to have it pulled again",
          path.string());
  }
  return is;
}

void check_room(const fs::path& folder, std::size_t n_bytes) {
  std::error_code unknown;
  const auto room = fs::space(folder, unknown);
  if (!unknown && room.available < n_bytes) {
    raise(ErrorCode::kIo,
          "{}: {} are needed, {} are free",
          folder.string(),
          size_text(n_bytes),
          size_text(room.available));
  }
}

/// Bytes of the files that are neither there nor begun.
std::size_t bytes_to_come(const std::vector<HubFile>& files, const fs::path& folder) {
  std::size_t n_bytes = 0;
  for (const HubFile& file : files) {
    std::error_code absent;
    const fs::path path = folder / file.path;
    const std::size_t there =
        fs::exists(path) ? file.n_bytes : fs::file_size(path.string() + ".part", absent);
    n_bytes += absent ? file.n_bytes : file.n_bytes - std::min(there, file.n_bytes);
  }
  return n_bytes;
}

void check_commit(const PullManifest& before, const std::string& commit, const fs::path& folder) {
  if (!before.commit.empty() && before.commit != commit) {
    raise(ErrorCode::kMismatch,
          "{}: holds the commit {}, the hub is at {}; remove the folder, or name a revision",
          folder.string(),
          before.commit,
          commit);
  }
}

/// The commit that the files of an unfinished pull are of.
void check_unfinished(const fs::path& folder, const std::string& commit) {
  const fs::path path = folder / "nibble-pull.part";
  if (fs::exists(path)) {
    check_commit({read_text_file(path).take()}, commit, folder);
  } else {
    write_file_atomic(path, commit).take();
  }
}

}  // namespace

Result<PulledModel> pull_model(const ModelName& name,
                               const PullModelOptions& options,
                               ProgressSink& progress) {
  try {
    HttpClient client(options.hub.http);
    const HubListing listing = list_model(client, options.hub, name).take();
    auto chosen = choose_files(listing.files, options.patterns);
    if (!chosen) {
      raise(chosen.failure().code, "{}: {}", name.repository(), chosen.failure().message);
    }
    PulledModel out{model_folder(options.models, name), listing.commit, listing.licence, {}};
    fs::create_directories(out.folder);
    const FolderLock lock(out.folder, ".pull.lock", "another pull is running into this folder");
    const PullManifest before = read_pull_manifest(out.folder);
    check_commit(before, listing.commit, out.folder);
    check_unfinished(out.folder, listing.commit);
    const std::size_t n_bytes = bytes_to_come(*chosen, out.folder);
    check_room(out.folder, n_bytes);
    progress.note(fmt::format("{} at {}: {} files, {} to come; licence: {}",
                              name.repository(),
                              listing.commit,
                              chosen->size(),
                              size_text(n_bytes),
                              listing.licence.empty() ? "not stated" : listing.licence));
    for (const HubFile& file : *chosen) {
      const fs::path path = out.folder / file.path;
      progress.begin(fmt::format("pull {}", file.path), file.n_bytes);
      std::string sha256 = hash_there(path, file, before);
      const bool was_there = !sha256.empty();
      if (!was_there) {
        const std::string url = file_url(options.hub, name, listing.commit, file.path);
        sha256 = download_file(client, options.hub, url, file, path, progress).take();
      }
      progress.end();
      out.files.push_back({file.path, file.n_bytes, std::move(sha256), was_there});
    }
    write_pull_manifest(name, out, before);
    fs::remove(out.folder / "nibble-pull.part");
    return out;
  } catch (const Error& error) {
    progress.end();
    return error.failure();
  } catch (const fs::filesystem_error& error) {
    progress.end();
    return fail(ErrorCode::kIo, "{}", error.what());
  }
}

}  // namespace nibble::data
