#include "eval/tasks/divergence.h"

#include <cmath>

#include "base/check.h"
#include "data/wikitext.h"
#include "eval/request_encoder.h"
#include "eval/tasks/data_file.h"
#include "eval/tasks/windows.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kLength = 512;  // the tasks' names say so
constexpr std::size_t kFirstRow = kLength / 2;
constexpr std::size_t kLastRow = kLength - 1;  // the last row predicts a token of the next window

class DivergenceTask final : public Task {
 public:
  DivergenceTask(TaskInfo info,
                 std::vector<text::TokenId> tokens,
                 std::vector<TokenWindow> windows,
                 std::optional<text::TokenId> bos)
      : info_(std::move(info)),
        tokens_(std::move(tokens)),
        windows_(std::move(windows)),
        bos_(bos) {
    info_.metrics = {{"kl", "nats/token", Direction::kLower, Transform::kIdentity},
                     {"top1_agreement", "fraction", Direction::kHigher, Transform::kIdentity}};
  }

  [[nodiscard]] const TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return windows_.size(); }

  [[nodiscard]] Sample sample(std::size_t index) const override {
    const TokenWindow& window = windows_.at(index);
    DivergenceRequest request{
        {tokens_.begin() + static_cast<std::ptrdiff_t>(window.begin),
         tokens_.begin() + static_cast<std::ptrdiff_t>(window.begin + kLastRow)},
        kFirstRow};
    if (bos_) {
      request.tokens.front() = *bos_;
    }
    Sample sample;
    sample.index = index;
    sample.id = fmt::format("{}-{}", window.begin, window.end);
    sample.prompt = fmt::format(
        "tokens {} to {} of the text, compared from {}", window.begin, window.end, kFirstRow);
    sample.requests.emplace_back(std::move(request));
    return sample;
  }

  [[nodiscard]] SampleResult score(const Sample& /*sample*/,
                                   std::span<const Response> responses) const override {
    NIBBLE_CHECK(responses.size() == 1, "one response for each window");
    const auto& found = std::get<DivergenceResponse>(responses.front());
    const auto n = static_cast<double>(found.n_rows);
    SampleResult result;
    if (!std::isfinite(found.kl) || found.n_rows == 0) {
      result.scores = {{"kl", std::nullopt}, {"top1_agreement", std::nullopt}};
      return result;
    }
    result.answer = fmt::format("{:.5f} nats a token", found.kl / n);
    result.scores["kl"] = Contribution{found.kl, n};
    result.scores["top1_agreement"] = Contribution{static_cast<double>(found.n_same_top), n};
    return result;
  }

 private:
  TaskInfo info_;
  std::vector<text::TokenId> tokens_;
  std::vector<TokenWindow> windows_;
  std::optional<text::TokenId> bos_;
};

}  // namespace

std::unique_ptr<Task> make_divergence_task(const TaskRequest& request,
                                           std::string_view text,
                                           std::string data_hash,
                                           std::string_view where) {
  const text::Tokenizer* tokenizer = request.options.tokenizer;
  if (tokenizer == nullptr) {
    raise(ErrorCode::kInvalidArgument,
          "{}: needs a model, its windows are cut by tokens",
          request.name);
  }
  if (request.options.max_context < kLength) {
    raise(ErrorCode::kInvalidArgument,
          "wanted windows of {} tokens; the window setting and the model's context allow {}",
          kLength,
          request.options.max_context);
  }
  const bool with_bos = tokenizer->special().add_bos;
  std::vector<text::TokenId> tokens = encode_with_bos(*tokenizer, text, with_bos);
  std::vector<TokenWindow> windows = disjoint_windows(tokens.size(), kLength);
  if (windows.empty()) {
    raise(ErrorCode::kInvalidArgument,
          "{}: the text has {} tokens, wanted a window of {}",
          where,
          tokens.size(),
          kLength);
  }
  if (request.options.limit > 0 && windows.size() > request.options.limit) {
    windows.resize(request.options.limit);
  }
  TaskInfo info{.name = request.name,
                .protocol = fmt::format("disjoint windows of {} tokens, distributions {} to {} "
                                        "compared with the reference model's",
                                        kLength,
                                        kFirstRow,
                                        kLastRow - 1),
                .data_hash = std::move(data_hash)};
  return std::make_unique<DivergenceTask>(std::move(info),
                                          std::move(tokens),
                                          std::move(windows),
                                          with_bos ? tokenizer->special().bos : std::nullopt);
}

std::unique_ptr<Task> make_wikitext_divergence(const TaskRequest& request) {
  const DataFile file = read_data_file(request.options.data / "wikitext2", {"wiki.test.raw"});
  return make_divergence_task(
      request, data::join_wikitext_rows(file.text), file.hash, file.path.string());
}

}  // namespace nibble::eval
