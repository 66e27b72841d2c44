#include "quant/device/awq_scale.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "base/cancel.h"
#include "base/checked_math.h"
#include "base/error.h"
#include "quant/device/nearest.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kHalfBytes = 2;
/// Columns of the second moment that one product covers.
constexpr std::size_t kPanel = 2048;
constexpr std::string_view kValueWeight = "self_attn.v_proj.weight";
constexpr std::string_view kValueBias = "self_attn.v_proj.bias";
constexpr std::string_view kUpWeight = "mlp.up_proj.weight";

/// One linear layer of a group with its weights before the search.
struct DeviceMember {
  std::string_view name;
  DeviceMatrix weight;
  std::shared_ptr<const codec::Codec> codec;  ///< none where it is kept
  const codec::IntGroupFormat* format = nullptr;
};

/// Ratios from the middle outwards.
std::array<std::size_t, kAwqRatios> order_of_ratios() {
  std::array<std::size_t, kAwqRatios> out{};
  for (std::size_t i = 0; i < kAwqRatios; ++i) {
    const std::size_t away = (i + 1) / 2;
    out[i] = i % 2 == 0 ? kAwqRatios / 2 + away : kAwqRatios / 2 - away;
  }
  return out;
}

/// A sum on the device.
class DeviceSum {
 public:
  explicit DeviceSum(ops::Device& device)
      : device_(device),
        values_(device.allocate((kernels::cuda::kPairParts + 1) * sizeof(double))) {}

  void clear() { device_.clear(total(), sizeof(double)); }
  /// The task with room for parts and this sum.
  [[nodiscard]] kernels::cuda::PairTask with(kernels::cuda::PairTask task) const {
    task.parts = values_.as<double>();
    task.sum = total();
    return task;
  }
  [[nodiscard]] double read() {
    double out = 0;
    device_.download(total(), &out, sizeof out);
    return out;
  }

 private:
  [[nodiscard]] double* total() const { return values_.as<double>() + kernels::cuda::kPairParts; }

  ops::Device& device_;
  ops::DeviceBuffer values_;
};

/// The search at one site.
class DeviceSearch {
 public:
  /// `n_compared` tokens are those whose outputs are compared.
  DeviceSearch(const DeviceTransformInput& input, Site site, std::size_t n_compared)
      : input_(input),
        device_(input.device),
        site_(site),
        n_compared_(n_compared),
        sum_(input.device) {
    for (const std::string_view name : linears_at(site)) {
      DeviceMember member{name, input.block.weight(name), input.codec_of(name)};
      member.format = member.codec == nullptr ? nullptr : codec::int_group_format(*member.codec);
      members_.push_back(std::move(member));
    }
  }

  AwqScale run() {
    observe();
    const std::vector<float> sizes = relative_sizes();
    AwqScale out;
    out.site = site_;
    out.errors.resize(kAwqRatios);
    double least = std::numeric_limits<double>::infinity();
    for (const std::size_t i : order_of_ratios()) {
      const float ratio = static_cast<float>(i) / static_cast<float>(kAwqRatios);
      std::vector<float> scales = awq_scales(abs_mean_, sizes, ratio);
      out.errors[i] = error(scales, least);
      if (out.errors[i] < least || (out.errors[i] == least && i < out.best)) {
        least = out.errors[i];
        out.best = i;
        out.scales = std::move(scales);
      }
    }
    apply(out.scales);
    return out;
  }

 private:
  [[nodiscard]] bool is_single() const { return members_.size() == 1; }
  [[nodiscard]] std::size_t cols() const { return members_.front().weight.cols; }

  void observe() {
    const ops::DeviceBuffer sums = device_.allocate(cols() * sizeof(double));
    device_.clear(sums.data(), sums.size());
    if (is_single()) {
      moment_.emplace(device_, cols());
    } else {
      inputs_ = device_.allocate(n_compared_ * cols() * kHalfBytes);
    }
    input_.walk.look(
        input_.block,
        [&](Site site) { return site == site_; },
        [&](Site /*site*/, const SiteInputs& seen) {
          awq_kernels().add_sizes(seen.x,
                                  static_cast<int>(seen.n_tokens),
                                  static_cast<int>(cols()),
                                  sums.as<double>(),
                                  device_.stream());
          if (moment_) {
            moment_->add(seen.x, seen.n_tokens);
          } else {
            keep(seen);
          }
        });
    std::vector<double> totals(cols());
    device_.download(sums.data(), totals.data(), sums.size());
    device_.check("awq_scale");
    if (!std::ranges::all_of(totals, [](double sum) { return std::isfinite(sum); })) {
      raise(ErrorCode::kUnsupported, "awq_scale: activations that are not finite");
    }
    for (const double total : totals) {
      abs_mean_.push_back(static_cast<float>(total / static_cast<double>(input_.walk.n_tokens())));
    }
    if (moment_) {
      moment_->finish();
      moment_->require_finite(members_.front().name);
    } else {
      keep_outputs();
    }
  }

  /// Copies what of a part is compared.
  void keep(const SiteInputs& seen) {
    const std::size_t n = std::min(seen.n_tokens, n_compared_ - std::min(n_compared_, seen.first));
    if (n > 0) {
      const std::size_t line = cols() * kHalfBytes;
      parts_.push_back({inputs_.data() + seen.first * line, seen.first, n});
      device_.copy(seen.x, inputs_.data() + seen.first * line, n * line);
    }
  }

  void keep_outputs() {
    const std::size_t line = input_.block.config().hidden * sizeof(float);
    outputs_ = device_.allocate(n_compared_ * line);
    for (const SiteInputs& part : parts_) {
      const float* const out = input_.walk.branch(input_.block, site_, part);
      device_.copy(out, outputs_.data() + part.first * line, part.n_tokens * line);
    }
  }

  /// Mean over all rows of |w| over the largest |w| of its group.
  [[nodiscard]] std::vector<float> relative_sizes() const {
    const ops::DeviceBuffer sums = device_.allocate(cols() * sizeof(double));
    device_.clear(sums.data(), sums.size());
    std::size_t n_rows = 0;
    for (const DeviceMember& member : members_) {
      const auto groups = grouped_shape(
          member.weight,
          member.format != nullptr ? *member.format : codec::IntGroupFormat{.group = 0});
      const ops::DeviceBuffer widest =
          device_.allocate(static_cast<std::size_t>(groups.rows) *
                           static_cast<std::size_t>(groups.n_groups) * sizeof(float));
      awq_kernels().add_relative_sizes(
          groups, member.weight.data(), widest.as<float>(), sums.as<double>(), device_.stream());
      n_rows += member.weight.rows;
    }
    std::vector<double> totals(cols());
    device_.download(sums.data(), totals.data(), sums.size());
    std::vector<float> out;
    for (const double total : totals) {
      out.push_back(static_cast<float>(total / static_cast<double>(n_rows)));
    }
    return out;
  }

  /// Q(w s) / s
  [[nodiscard]] DeviceMatrix rounded(const DeviceMember& member,
                                     const ops::DeviceBuffer& factors) const {
    DeviceMatrix out{device_.allocate(member.weight.size() * sizeof(float)),
                     member.weight.rows,
                     member.weight.cols};
    awq_kernels().round({.groups = grouped_shape(member.weight, *member.format),
                         .rule = grid_rule(*member.format, RangeRule::kRaw),
                         .w = member.weight.data(),
                         .factors = factors.as<const float>(),
                         .y = out.data()},
                        device_.stream());
    return out;
  }

  /// Mean square of what rounding does to the module's output, or a part of it that is more than
  /// `most`.
  double error(const std::vector<float>& scales, double most) {
    cancel_flag().check();
    const ops::DeviceBuffer factors = device_.upload(std::span<const float>(scales));
    sum_.clear();
    if (is_single()) {
      const DeviceMember& member = members_.front();
      return weighted_square(rounded(member, factors)) /
             static_cast<double>(input_.walk.n_tokens() * member.weight.rows);
    }
    for (const DeviceMember& member : members_) {
      if (member.format != nullptr) {
        input_.block.set_weight(member.name, rounded(member, factors));
      }
    }
    const std::size_t width = input_.block.config().hidden;
    const auto n_outputs = static_cast<double>(n_compared_ * width);
    double out = 0;
    for (const SiteInputs& part : parts_) {
      awq_kernels().add_squared_distance(
          sum_.with({.a = input_.walk.branch(input_.block, site_, part),
                     .b = outputs_.as<const float>() + part.first * width,
                     .a_stride = static_cast<int>(width),
                     .b_stride = static_cast<int>(width),
                     .rows = static_cast<int>(part.n_tokens),
                     .cols = static_cast<int>(width)}),
          device_.stream());
      out = sum_.read() / n_outputs;
      if (out > most) {
        break;
      }
    }
    return out;
  }

  /// Sum over rows of d H d^T with d = w - `values`, which are spoilt. H is symmetric, so what lies
  /// left of its diagonal blocks is counted twice instead of multiplied twice. With operands of
  /// ten bits of fraction errors stay within half a percent of the host's (test).
  double weighted_square(const DeviceMatrix& values) {
    const std::size_t rows = values.rows, n = values.cols;
    const float* const h = moment_->symmetric();
    awq_kernels().subtract_from(
        members_.front().weight.data(), values.data(), values.size(), device_.stream());
    const ops::DeviceBuffer products = device_.allocate(rows * std::min(n, kPanel) * sizeof(float));
    for (std::size_t first = 0; first < n; first += kPanel) {
      const std::size_t size = std::min(kPanel, n - first);
      kernels::cuda::ProductTask task{.a = values.data() + first,
                                      .a_stride = static_cast<int>(n),
                                      .b = h + first * n + first,
                                      .b_stride = static_cast<int>(n),
                                      .c = products.as<float>(),
                                      .c_stride = static_cast<int>(size),
                                      .rows = static_cast<int>(rows),
                                      .k = static_cast<int>(size),
                                      .cols = static_cast<int>(size),
                                      .is_coarse = true};
      require_done(device_, quantize_kernels().multiply(task, device_.stream()));
      if (first > 0) {
        task.a = values.data();
        task.b = h + first;
        task.k = static_cast<int>(first);
        task.factor = 2.0F;
        task.adds = true;
        require_done(device_, quantize_kernels().multiply(task, device_.stream()));
      }
      awq_kernels().add_dot(sum_.with({.a = values.data() + first,
                                       .b = products.as<const float>(),
                                       .a_stride = static_cast<int>(n),
                                       .b_stride = static_cast<int>(size),
                                       .rows = static_cast<int>(rows),
                                       .cols = static_cast<int>(size)}),
                            device_.stream());
    }
    return sum_.read();
  }

  /// w *= s, or the weights as they were where no ratio has an error.
  void apply(const std::vector<float>& scales) {
    const ops::DeviceBuffer factors =
        scales.empty() ? ops::DeviceBuffer() : device_.upload(std::span<const float>(scales));
    for (const DeviceMember& member : members_) {
      if (scales.empty()) {
        input_.block.set_weight(member.name, member.weight);
        continue;
      }
      DeviceMatrix scaled{device_.allocate(member.weight.size() * sizeof(float)),
                          member.weight.rows,
                          member.weight.cols};
      awq_kernels().multiply_columns(member.weight.data(),
                                     factors.as<const float>(),
                                     scaled.data(),
                                     static_cast<int>(scaled.rows),
                                     static_cast<int>(scaled.cols),
                                     device_.stream());
      input_.block.rewrite(member.name, std::move(scaled));
    }
    device_.check("awq_scale");
  }

  const DeviceTransformInput& input_;
  ops::Device& device_;
  Site site_;
  std::size_t n_compared_;
  DeviceSum sum_;
  std::vector<DeviceMember> members_;
  std::vector<float> abs_mean_;
  ops::DeviceBuffer inputs_, outputs_;  ///< where the site has several layers
  std::vector<SiteInputs> parts_;       ///< of the inputs
  std::optional<DeviceMoment> moment_;  ///< where it has one
};

/// rows /= s, or the entries of a vector
void divide(const DeviceTransformInput& input,
            std::string_view name,
            const ops::DeviceBuffer& factors) {
  const DeviceMatrix before = input.block.weight(name);
  DeviceMatrix out{input.device.allocate(before.size() * sizeof(float)), before.rows, before.cols};
  input.device.copy(before.data(), out.data(), before.size() * sizeof(float));
  const bool is_vector = before.rows == 1;
  awq_kernels().divide_rows(out.data(),
                            factors.as<const float>(),
                            static_cast<int>(is_vector ? out.cols : out.rows),
                            static_cast<int>(is_vector ? 1 : out.cols),
                            input.device.stream());
  input.block.rewrite(name, std::move(out));
}

void divide_producer(const DeviceTransformInput& input,
                     Site site,
                     const std::vector<float>& scales) {
  const ops::DeviceBuffer factors = input.device.upload(std::span<const float>(scales));
  switch (site) {
    case Site::kAttentionIn:
      divide(input, "input_layernorm.weight", factors);
      return;
    case Site::kMlpIn:
      divide(input, "post_attention_layernorm.weight", factors);
      return;
    case Site::kAttentionOut:
      divide(input, kValueWeight, factors);
      if (input.block.config().qkv_bias) {
        divide(input, kValueBias, factors);
      }
      return;
    case Site::kMlpOut:
      divide(input, kUpWeight, factors);
      return;
  }
}

}  // namespace

std::vector<AwqScale> awq_scale_on(const DeviceTransformInput& input,
                                   const AwqScaleSettings& settings) {
  const model::ModelConfig& config = input.block.config();
  const std::size_t n_compared =
      awq_search_tokens(settings, input.walk.n_tokens(), input.walk.window());
  std::vector<AwqScale> out;
  for (const Site site : kSites) {
    const bool is_shared = site == Site::kAttentionOut && config.n_kv_heads != config.n_heads;
    const bool is_kept = std::ranges::none_of(
        linears_at(site), [&](std::string_view name) { return input.codec_of(name) != nullptr; });
    if (is_shared || is_kept || is_mixed(config.runtime, site)) {
      continue;
    }
    out.push_back(DeviceSearch(input, site, n_compared).run());
    if (!out.back().scales.empty()) {
      divide_producer(input, site, out.back().scales);
    }
  }
  return out;
}

}  // namespace nibble::quant
