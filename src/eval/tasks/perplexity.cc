/// The three protocols on WikiText-2 (`wiki.test.raw`), and the windows of any text.
#include "eval/tasks/perplexity.h"

#include "data/wikitext.h"
#include "eval/request_encoder.h"
#include "eval/tasks/data_file.h"
#include "eval/tasks/wikitext.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kStride = 512;
constexpr std::size_t kDisjointLength = 2048;  // the tasks' names say so

/// The windows' length, where the protocol can be kept with the context that there is.
std::size_t window_length(const TaskRequest& request, WindowProtocol protocol) {
  const std::size_t given = request.options.max_context;
  const std::size_t least = protocol == WindowProtocol::kStride ? kStride + 1 : kDisjointLength;
  if (given < least) {
    raise(
        ErrorCode::kInvalidArgument,
        "wanted windows of at least {} tokens; the window setting and the model's context allow {}",
        least,
        given);
  }
  return protocol == WindowProtocol::kStride ? given : kDisjointLength;
}

DataFile wikitext_file(const TaskRequest& request) {
  return read_data_file(request.options.data / "wikitext2", {"wiki.test.raw"});
}

}  // namespace

std::unique_ptr<Task> make_window_task(const TaskRequest& request,
                                       WindowProtocol protocol,
                                       std::string_view text,
                                       std::string data_hash,
                                       std::string_view where) {
  const text::Tokenizer* tokenizer = request.options.tokenizer;
  if (tokenizer == nullptr) {
    raise(ErrorCode::kInvalidArgument,
          "{}: needs a model, its windows are cut by tokens",
          request.name);
  }
  const std::size_t length = window_length(request, protocol);
  std::vector<text::TokenId> tokens =
      encode_with_bos(*tokenizer, text, tokenizer->special().add_bos);
  std::vector<TokenWindow> windows = protocol == WindowProtocol::kStride
                                         ? stride_windows(tokens.size(), length, kStride)
                                         : disjoint_windows(tokens.size(), length);
  if (windows.empty()) {
    raise(ErrorCode::kInvalidArgument,
          "{}: the text has {} tokens, wanted a window of {}",
          where,
          tokens.size(),
          protocol == WindowProtocol::kStride ? 2 : length);
  }
  if (request.options.limit > 0 && windows.size() > request.options.limit) {
    windows.resize(request.options.limit);
  }
  TaskInfo info{
      .name = request.name,
      .protocol = protocol == WindowProtocol::kStride
                      ? fmt::format("windows of {} tokens, stride {}", length, kStride)
                      : fmt::format("disjoint windows of {} tokens, {} scored", length, length - 1),
      .data_hash = std::move(data_hash)};
  return std::make_unique<WindowTask>(
      std::move(info), protocol, std::move(tokens), std::move(windows));
}

Document plain_document(std::string id, std::string text) {
  Document document{std::move(id), std::move(text), 0, 0};
  document.n_words = wikitext::n_words(document.text);
  document.n_bytes = document.text.size();
  return document;
}

std::unique_ptr<Task> make_wikitext_documents(const TaskRequest& request) {
  const DataFile file = wikitext_file(request);
  std::vector<Document> documents;
  for (const std::string& page : data::split_wikitext_pages(file.text)) {
    if (request.options.limit > 0 && documents.size() == request.options.limit) {
      break;
    }
    documents.push_back({fmt::format("{}", documents.size()),
                         wikitext::detokenized(page),
                         wikitext::n_words(page),
                         page.size()});
  }
  TaskInfo info{
      .name = request.name,
      .protocol = fmt::format("rolling log-likelihood of detokenized pages, windows of {} tokens",
                              request.options.max_context),
      .data_hash = file.hash};
  return std::make_unique<DocumentTask>(
      std::move(info), "word_perplexity", std::move(documents), request.options.max_context);
}

std::unique_ptr<Task> make_wikitext_stride(const TaskRequest& request) {
  const DataFile file = wikitext_file(request);
  return make_window_task(request,
                          WindowProtocol::kStride,
                          data::join_wikitext_rows(file.text),
                          file.hash,
                          file.path.string());
}

std::unique_ptr<Task> make_wikitext_disjoint(const TaskRequest& request) {
  const DataFile file = wikitext_file(request);
  return make_window_task(request,
                          WindowProtocol::kDisjoint,
                          data::join_wikitext_rows(file.text),
                          file.hash,
                          file.path.string());
}

}  // namespace nibble::eval
