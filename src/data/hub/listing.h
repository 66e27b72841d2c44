/// What a hub has under the name of a model.
///
///   GET <endpoint>/api/models/<org/name>/revision/<revision>   commit and licence
///   GET <endpoint>/api/models/<org/name>/tree/<commit>?recursive=true   files, page by page
///   GET <endpoint>/<org/name>/resolve/<commit>/<path>          a file, mostly behind a redirection
///
/// Errors     kNotFound: no such model or revision; kIo: not allowed (with what helps: a token, or
///            the terms of the model), and all that http.h says; kCorruptData for a reply that is
///            not as expected
/// Source     the hub's API as huggingface_hub uses it
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/http.h"
#include "data/hub/model_name.h"

namespace nibble::data {

struct HubFile {
  std::string path;  ///< below the repository, "/" between folders
  std::size_t n_bytes = 0;
  std::string sha256{};   ///< of large files; "": not known to the hub
  std::string git_oid{};  ///< SHA-1 of git's blob, of the others
};

struct HubListing {
  std::string commit;
  std::string licence;  ///< "apache-2.0"; "": the model's page does not say
  std::vector<HubFile> files;
};

struct Hub {
  std::string endpoint = "https://huggingface.co";
  HttpOptions http{};
};

/// The hub that $HF_ENDPOINT names, with the token of $HF_TOKEN. kInvalidArgument where the token
/// would go over the network unencrypted.
Result<Hub> hub_of_environment();

Result<HubListing> list_model(HttpClient& client, const Hub& hub, const ModelName& name);

std::string file_url(const Hub& hub,
                     const ModelName& name,
                     const std::string& commit,
                     const std::string& path);

/// The Error of a status that is no success.
Failure refused(const std::string& what, const HttpReply& reply, const Hub& hub);

}  // namespace nibble::data
