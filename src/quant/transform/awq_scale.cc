#include "quant/transform/awq_scale.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "quant/device/awq_scale.h"
#include "quant/linear_algebra.h"
#include "quant/solve/parallel_for.h"
#include "quant/transform/awq_grid.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kRowsPerTask = 8;
constexpr float kSmallestScale = 1e-4F;
constexpr std::string_view kValue = "self_attn.v_proj.weight";
constexpr std::string_view kUp = "mlp.up_proj.weight";

/// One linear layer of a group with its weights before the search.
struct Member {
  std::string_view name;
  std::vector<float> weight;
  std::size_t rows = 0, cols = 0;
  std::shared_ptr<const codec::Codec> codec;  ///< none where it is kept

  [[nodiscard]] std::span<const float> row(std::size_t r) const {
    return std::span(weight).subspan(r * cols, cols);
  }
};

std::vector<float> multiplied(const Member& member, std::span<const float> scales) {
  std::vector<float> out(member.weight.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = member.weight[i] * scales[i % member.cols];
  }
  return out;
}

/// Q(w s) / s
std::vector<float> rounded(const Member& member, std::span<const float> scales, ThreadPool& pool) {
  if (member.codec == nullptr) {
    return member.weight;
  }
  const auto& format = *codec::int_group_format(*member.codec);
  std::vector<float> out = multiplied(member, scales);
  parallel_for(pool, member.rows, kRowsPerTask, [&](std::size_t r) {
    const auto row = std::span(out).subspan(r * member.cols, member.cols);
    round_row(row, format);
    for (std::size_t k = 0; k < row.size(); ++k) {
      row[k] /= scales[k];
    }
  });
  return out;
}

/// Mean over all rows of |w| over the largest |w| of its group.
std::vector<float> relative_sizes(const std::vector<Member>& members) {
  std::vector<double> sums(members.front().cols);
  std::size_t n_rows = 0;
  for (const Member& member : members) {
    const auto* format = member.codec ? codec::int_group_format(*member.codec) : nullptr;
    const std::size_t group = format != nullptr ? format->group_of(member.cols) : member.cols;
    for (std::size_t r = 0; r < member.rows; ++r) {
      const auto row = member.row(r);
      for (std::size_t begin = 0; begin < row.size(); begin += group) {
        const auto part = row.subspan(begin, std::min(group, row.size() - begin));
        float most = 0;
        for (const float w : part) {
          most = std::max(most, std::fabs(w));
        }
        for (std::size_t k = 0; k < part.size(); ++k) {
          sums[begin + k] += static_cast<double>(std::fabs(part[k]) / (most + 1e-6F));
        }
      }
    }
    n_rows += member.rows;
  }
  std::vector<float> out;
  for (const double sum : sums) {
    out.push_back(static_cast<float>(sum / static_cast<double>(n_rows)));
  }
  return out;
}

double square_distance(MatrixView<const float> a, MatrixView<const float> b) {
  double sum = 0;
  for (std::size_t r = 0; r < a.rows; ++r) {
    for (std::size_t c = 0; c < a.cols; ++c) {
      const double d = static_cast<double>(a(r, c)) - static_cast<double>(b(r, c));
      sum += d * d;
    }
  }
  return sum;
}

/// The search at one site.
class Search {
 public:
  /// `n_compared` tokens are those whose outputs are compared.
  Search(const TransformInput& input,
         BlockTokens& tokens,
         Site site,
         std::size_t n_compared,
         ThreadPool& pool)
      : input_(input),
        block_(input.block),
        tokens_(tokens),
        site_(site),
        n_compared_(n_compared),
        pool_(pool) {
    for (const std::string_view name : linears_at(site)) {
      const auto w = block_.weight(name);
      members_.push_back(
          {name, {w.data, w.data + w.rows * w.cols}, w.rows, w.cols, input.codec_of(name)});
    }
  }

  AwqScale run() {
    observe();
    const std::vector<float> sizes = relative_sizes(members_);
    AwqScale out;
    out.site = site_;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < kAwqRatios; ++i) {
      const float ratio = static_cast<float>(i) / static_cast<float>(kAwqRatios);
      const std::vector<float> scales = awq_scales(abs_mean_, sizes, ratio);
      out.errors.push_back(error(scales));
      if (out.errors.back() < least) {
        least = out.errors.back();
        out.best = i;
        out.scales = scales;
      }
    }
    for (Member& member : members_) {
      block_.set_weight(member.name,
                        out.scales.empty() ? member.weight : multiplied(member, out.scales));
    }
    return out;
  }

 private:
  [[nodiscard]] bool is_single() const { return members_.size() == 1; }

  /// Walks all tokens to the site and keeps what the search needs: mean sizes, and inputs with
  /// their outputs or, for a single layer, the second moment.
  void observe() {
    const std::size_t cols = block_.cols_at(site_);
    std::vector<double> sums(cols);
    std::vector<double> moment(is_single() ? cols * cols : 0);
    const MatrixView<double> view(moment.data(), is_single() ? cols : 0, is_single() ? cols : 0);
    if (!is_single()) {
      inputs_.resize(n_compared_ * cols);
      outputs_.resize(n_compared_ * tokens_.hidden().cols);
    }
    tokens_.for_each_part(block_, [&](const BlockRows& rows, std::size_t first) {
      const auto x = block_.reach(site_, rows);
      for (std::size_t t = 0; t < x.rows; ++t) {
        for (std::size_t k = 0; k < cols; ++k) {
          sums[k] += static_cast<double>(std::fabs(x(t, k)));
        }
      }
      if (is_single()) {
        add_gram(x, view, pool_);
      } else {
        for (std::size_t t = 0; t < n_compared_of(rows, first); ++t) {
          std::ranges::copy(x.row_span(t), &inputs_[(first + t) * cols]);
        }
      }
    });
    if (!std::ranges::all_of(sums, [](double sum) { return std::isfinite(sum); })) {
      raise(ErrorCode::kUnsupported, "awq_scale: activations that are not finite");
    }
    for (const double sum : sums) {
      abs_mean_.push_back(static_cast<float>(sum / static_cast<double>(tokens_.size())));
    }
    if (is_single()) {
      mirror_upper(view);
      moment_.assign(moment.begin(), moment.end());
    } else {
      for_each_output([&](MatrixView<const float> out, MatrixView<float> kept) {
        for (std::size_t t = 0; t < out.rows; ++t) {
          std::ranges::copy(out.row_span(t), kept.row(t));
        }
      });
    }
  }

  /// How many tokens of a part are compared.
  [[nodiscard]] std::size_t n_compared_of(const BlockRows& rows, std::size_t first) const {
    return std::min(rows.hidden.rows, n_compared_ - std::min(n_compared_, first));
  }

  /// Calls f(output of the module for a part, the kept output of that part).
  template <class F>
  void for_each_output(const F& f) {
    const std::size_t cols = block_.cols_at(site_);
    const std::size_t width = tokens_.hidden().cols;
    const MatrixView<const float> inputs(inputs_.data(), n_compared_, cols);
    const MatrixView<float> outputs(outputs_.data(), n_compared_, width);
    tokens_.for_each_part(block_, [&](const BlockRows& rows, std::size_t first) {
      const std::size_t n = n_compared_of(rows, first);
      if (n == 0) {
        return;
      }
      std::vector<float> out(n * width);
      const MatrixView<float> view(out.data(), n, width);
      const auto x = inputs.rows_from(first, n);
      if (site_ == Site::kAttentionIn) {
        block_.attention_branch(x, rows.window, view);
      } else {
        block_.mlp_branch(x, view);
      }
      f(view, outputs.rows_from(first, n));
    });
  }

  /// Mean square of what rounding does to the module's output.
  double error(std::span<const float> scales) {
    if (is_single()) {
      const Member& member = members_.front();
      std::vector<float> d = rounded(member, scales, pool_);
      for (std::size_t i = 0; i < d.size(); ++i) {
        d[i] = member.weight[i] - d[i];
      }
      const double sum = weighted_square(
          {d.data(), member.rows, member.cols}, {moment_.data(), member.cols, member.cols}, pool_);
      return sum / static_cast<double>(tokens_.size() * member.rows);
    }
    for (const Member& member : members_) {
      block_.set_weight(member.name, rounded(member, scales, pool_));
    }
    double sum = 0;
    for_each_output([&](MatrixView<const float> out, MatrixView<const float> kept) {
      sum += square_distance(out, kept);
    });
    return sum / static_cast<double>(outputs_.size());
  }

  const TransformInput& input_;
  DecoderBlock& block_;
  BlockTokens& tokens_;
  Site site_;
  std::size_t n_compared_;
  ThreadPool& pool_;
  std::vector<Member> members_;
  std::vector<float> abs_mean_;
  std::vector<float> inputs_, outputs_;  ///< where the site has several layers
  std::vector<float> moment_;            ///< where it has one
};

/// producer's last rows /= s, its bias too
void divide_rows(DecoderBlock& block, std::string_view name, std::span<const float> scales) {
  const auto w = block.weight(name);
  std::vector<float> out(w.data, w.data + w.rows * w.cols);
  for (std::size_t r = 0; r < w.rows; ++r) {
    for (std::size_t c = 0; c < w.cols; ++c) {
      out[r * w.cols + c] /= scales[r];
    }
  }
  block.set_weight(name, std::move(out));
}

void divide_vector(DecoderBlock& block, std::string_view name, std::span<const float> scales) {
  const auto w = block.weight(name);
  std::vector<float> out(w.data, w.data + w.cols);
  for (std::size_t c = 0; c < w.cols; ++c) {
    out[c] /= scales[c];
  }
  block.set_weight(name, std::move(out));
}

void divide_producer(DecoderBlock& block, Site site, std::span<const float> scales) {
  switch (site) {
    case Site::kAttentionIn:
    case Site::kMlpIn:
      divide_vector(block, block.norm_before(site), scales);
      return;
    case Site::kAttentionOut:
      divide_rows(block, kValue, scales);
      if (block.has("self_attn.v_proj.bias")) {
        divide_vector(block, "self_attn.v_proj.bias", scales);
      }
      return;
    case Site::kMlpOut:
      divide_rows(block, kUp, scales);
      return;
  }
}

class AwqScaleTransform final : public Transform, public DeviceTransform {
 public:
  explicit AwqScaleTransform(const AwqScaleSettings& settings) : settings_(settings) {}

  /// The default is not told, so that recipes without it keep their hash.
  std::vector<std::pair<std::string, std::string>> settings() const override {
    if (!settings_.search_windows) {
      return {};
    }
    return {{"search_windows", fmt::format("{}", *settings_.search_windows)}};
  }
  Result<void> check(const codec::Codec& codec) const override {
    return check_awq_codec("awq_scale", codec);
  }
  void apply(const TransformInput& input, ThreadPool& pool) const override {
    awq_scale(input, pool, settings_);
  }
  const DeviceTransform* device_transform() const noexcept override { return this; }
  void apply_on(const DeviceTransformInput& input) const override {
    awq_scale_on(input, settings_);
  }

 private:
  AwqScaleSettings settings_;
};

}  // namespace

bool is_mixed(const model::Runtime& runtime, Site site) noexcept {
  return site == Site::kAttentionOut ? runtime.rotates_attended
                                     : site == Site::kMlpOut && runtime.rotates_gated;
}

std::vector<float> awq_scales(std::span<const float> abs_mean,
                              std::span<const float> sizes,
                              float ratio) {
  std::vector<float> out(abs_mean.size());
  for (std::size_t k = 0; k < out.size(); ++k) {
    out[k] = std::max(std::pow(abs_mean[k], ratio) / (std::pow(sizes[k], 1.0F - ratio) + 1e-4F),
                      kSmallestScale);
  }
  const auto [least, most] = std::ranges::minmax(out);
  const float middle = std::sqrt(most * least);
  for (float& s : out) {
    s /= middle;
    if (!std::isfinite(s)) {
      s = 1.0F;
    }
  }
  return out;
}

std::size_t awq_search_tokens(const AwqScaleSettings& settings,
                              std::size_t n_tokens,
                              std::size_t window) noexcept {
  const std::size_t n_windows =
      settings.search_windows.value_or(std::max<std::size_t>(1, kAwqSearchTokens / window));
  return n_windows == 0 || n_windows > n_tokens / window ? n_tokens : n_windows * window;
}

std::vector<AwqScale> awq_scale(const TransformInput& input,
                                ThreadPool& pool,
                                const AwqScaleSettings& settings) {
  DecoderBlock& block = input.block;
  BlockTokens tokens = input.tokens;
  const std::size_t n_compared = awq_search_tokens(settings, tokens.size(), tokens.window());
  std::vector<AwqScale> out;
  for (const Site site : kSites) {
    const bool is_shared =
        site == Site::kAttentionOut && block.weight(kValue).rows != block.cols_at(site);
    const bool is_kept = std::ranges::none_of(
        linears_at(site), [&](std::string_view name) { return input.codec_of(name) != nullptr; });
    if (is_shared || is_kept || is_mixed(block.config().runtime, site)) {
      tokens.for_each_part(
          block, [&](const BlockRows& rows, std::size_t /*first*/) { block.reach(site, rows); });
      continue;
    }
    AwqScale found = Search(input, tokens, site, n_compared, pool).run();
    if (!found.scales.empty()) {
      divide_producer(block, site, found.scales);
      if (site == Site::kAttentionOut) {
        // What flows was made by the producer before.
        tokens.for_each_part(block, [&](const BlockRows& rows, std::size_t /*first*/) {
          for (std::size_t t = 0; t < rows.inner.rows; ++t) {
            for (std::size_t k = 0; k < found.scales.size(); ++k) {
              rows.inner(t, k) /= found.scales[k];
            }
          }
        });
      }
    }
    out.push_back(std::move(found));
  }
  return out;
}

std::unique_ptr<Transform> make_awq_scale(TomlTable& stage) {
  constexpr std::int64_t kMostWindows = 1'000'000;
  const auto windows = stage.optional<std::int64_t>("search_windows");
  if (windows && (*windows < 0 || *windows > kMostWindows)) {
    stage.reject("search_windows", fmt::format("expected a number from 0 to {}", kMostWindows));
  }
  AwqScaleSettings settings;
  if (windows) {
    settings.search_windows = static_cast<std::size_t>(*windows);
  }
  return std::make_unique<AwqScaleTransform>(settings);
}

}  // namespace nibble::quant
