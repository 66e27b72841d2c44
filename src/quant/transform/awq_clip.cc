#include "quant/transform/awq_clip.h"

#include <cmath>
#include <limits>

#include "base/checked_math.h"
#include "quant/device/awq_clip.h"
#include "quant/linear_algebra.h"
#include "quant/solve/parallel_for.h"
#include "quant/transform/awq_grid.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kRowsPerTask = 4;

/// d H d^T for a symmetric H; `product` has room for d H.
double quadratic(std::span<const float> d, MatrixView<const double> h, std::span<double> product) {
  std::ranges::fill(product, 0.0);
  for (std::size_t i = 0; i < d.size(); ++i) {
    const auto scale = static_cast<double>(d[i]);
    const double* row = h.row(i);
    for (std::size_t j = 0; j < d.size(); ++j) {
      product[j] += scale * row[j];
    }
  }
  double sum = 0;
  for (std::size_t i = 0; i < d.size(); ++i) {
    sum += static_cast<double>(d[i]) * product[i];
  }
  return sum;
}

/// The limit of one group.
float best_limit(std::span<const float> w,
                 const codec::IntGroupFormat& format,
                 MatrixView<const double> h) {
  float most = 0;
  for (const float x : w) {
    most = std::max(most, std::fabs(x));
  }
  std::vector<float> cut(w.size());
  std::vector<double> product(w.size());
  float best = most;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < kAwqClipSteps; ++i) {
    const float limit = most * awq_clip_share(i);
    std::ranges::transform(w, cut.begin(), [&](float x) { return std::clamp(x, -limit, limit); });
    round_group(cut, format, cut);
    for (std::size_t k = 0; k < cut.size(); ++k) {
      cut[k] -= w[k];
    }
    if (const double error = quadratic(cut, h, product); error < least) {
      least = error;
      best = limit;
    }
  }
  return best;
}

/// Second moments of the groups of inputs, [group, group] each.
class GroupMoments {
 public:
  GroupMoments(std::size_t cols, std::size_t group) : cols_(cols), group_(group) {
    for (std::size_t begin = 0; begin < cols; begin += group) {
      const std::size_t n = std::min(group, cols - begin);
      moments_.emplace_back(n * n);
    }
  }
  void add(MatrixView<const float> x, ThreadPool& pool) {
    for (std::size_t g = 0; g < moments_.size(); ++g) {
      add_gram(x.cols_from(g * group_, size(g)), view(g), pool);
    }
  }
  void finish() {
    for (std::size_t g = 0; g < moments_.size(); ++g) {
      mirror_upper(view(g));
    }
  }
  [[nodiscard]] MatrixView<const double> of(std::size_t g) const {
    return {moments_[g].data(), size(g), size(g)};
  }

 private:
  [[nodiscard]] std::size_t size(std::size_t g) const {
    return std::min(group_, cols_ - g * group_);
  }
  MatrixView<double> view(std::size_t g) { return {moments_[g].data(), size(g), size(g)}; }

  std::size_t cols_, group_;
  std::vector<std::vector<double>> moments_;
};

/// Clips one layer and returns its limits.
std::vector<float> clip_layer(DecoderBlock& block,
                              std::string_view name,
                              const codec::IntGroupFormat& format,
                              const GroupMoments& moments,
                              ThreadPool& pool) {
  const auto w = block.weight(name);
  const std::size_t group = format.group_of(w.cols);
  const std::size_t n_groups = ceil_div(w.cols, group);
  std::vector<float> limits(w.rows * n_groups);
  std::vector<float> out(w.data, w.data + w.rows * w.cols);
  parallel_for(pool, w.rows, kRowsPerTask, [&](std::size_t r) {
    for (std::size_t g = 0; g < n_groups; ++g) {
      const std::size_t begin = g * group;
      const auto part = std::span(out).subspan(r * w.cols + begin, std::min(group, w.cols - begin));
      const float limit = best_limit(part, format, moments.of(g));
      limits[r * n_groups + g] = limit;
      for (float& x : part) {
        x = std::clamp(x, -limit, limit);
      }
    }
  });
  block.set_weight(name, std::move(out));
  return limits;
}

class AwqClipTransform final : public Transform, public DeviceTransform {
 public:
  std::vector<std::pair<std::string, std::string>> settings() const override { return {}; }
  Result<void> check(const codec::Codec& codec) const override {
    const auto* format = codec::int_group_format(codec);
    if (format != nullptr && format->is_permuted) {
      return fail(ErrorCode::kUnsupported,
                  "transform 'awq_clip' clips groups of neighbours; those of codec '{}' follow an "
                  "order that is found later",
                  codec.name());
    }
    return check_awq_codec("awq_clip", codec);
  }
  void apply(const TransformInput& input, ThreadPool& pool) const override {
    awq_clip(input, pool);
  }
  const DeviceTransform* device_transform() const noexcept override { return this; }
  void apply_on(const DeviceTransformInput& input) const override { awq_clip_on(input); }
};

}  // namespace

bool is_awq_clipped(std::string_view name) noexcept {
  return name != "self_attn.q_proj.weight" && name != "self_attn.k_proj.weight";
}

std::map<std::string, std::vector<float>> awq_clip(const TransformInput& input, ThreadPool& pool) {
  DecoderBlock& block = input.block;
  BlockTokens tokens = input.tokens;
  std::map<std::string, std::vector<float>> out;
  std::map<std::string, std::vector<float>, std::less<>>
      clipped;  // set at the end: what flows is not
  for (const Site site : kSites) {
    std::map<std::size_t, GroupMoments> moments;  // by group size
    for (const std::string_view name : linears_at(site)) {
      if (const auto codec = input.codec_of(name); codec != nullptr && is_awq_clipped(name)) {
        const std::size_t cols = block.cols_at(site);
        const std::size_t group = codec::int_group_format(*codec)->group_of(cols);
        moments.try_emplace(group, cols, group);
      }
    }
    tokens.for_each_part(block, [&](const BlockRows& rows, std::size_t /*first*/) {
      const auto x = block.reach(site, rows);
      for (auto& [group, moment] : moments) {
        moment.add(x, pool);
      }
    });
    for (auto& [group, moment] : moments) {
      moment.finish();
    }
    for (const std::string_view name : linears_at(site)) {
      const auto codec = input.codec_of(name);
      if (codec == nullptr || !is_awq_clipped(name)) {
        continue;
      }
      const auto& format = *codec::int_group_format(*codec);
      const auto before = block.weight(name);
      std::vector<float> kept(before.data, before.data + before.rows * before.cols);
      out[std::string(name)] =
          clip_layer(block, name, format, moments.at(format.group_of(before.cols)), pool);
      const auto after = block.weight(name);
      clipped[std::string(name)] = {after.data, after.data + after.rows * after.cols};
      block.set_weight(name, std::move(kept));
    }
  }
  for (auto& [name, values] : clipped) {
    block.set_weight(name, std::move(values));
  }
  return out;
}

std::unique_ptr<Transform> make_awq_clip(TomlTable& /*stage*/) {
  return std::make_unique<AwqClipTransform>();
}

}  // namespace nibble::quant
