#include "quant/device/walk.h"

#include <algorithm>

#include "base/cancel.h"
#include "base/check.h"
#include "base/checked_math.h"
#include "base/error.h"
#include "quant/device/window_attention.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kHalf = 2;
/// Enough to fill the device, few enough for small buffers.
constexpr std::size_t kTokensAtOnce = 8192;

std::size_t windows_at_once(std::size_t window) {
  return std::max<std::size_t>(1, kTokensAtOnce / window);
}

std::size_t qkv_width(const model::ModelConfig& config) {
  return (config.n_heads + 2 * config.n_kv_heads) * config.head_dim;
}

/// Bytes of a part's buffers for each of its tokens.
std::size_t bytes_a_token(const model::ModelConfig& config) {
  return (config.hidden + qkv_width(config) + config.n_heads * config.head_dim +
          3 * config.intermediate) *
             kHalf +
         WindowAttention::bytes_a_token(config);
}

}  // namespace

struct DeviceWalk::Buffers {
  ops::DeviceBuffer normed, qkv, attended, both, gated;  ///< halves of a part's tokens
  ops::DeviceScratch between, branch;                    ///< floats, where somebody looks
  WindowAttention attention;

  Buffers(ops::Device& device, const model::ModelConfig& config, std::size_t window)
      : attention(device, config, window, windows_at_once(window)) {
    const std::size_t n = windows_at_once(window) * window;
    normed = device.allocate(n * config.hidden * kHalf);
    qkv = device.allocate(n * qkv_width(config) * kHalf);
    attended = device.allocate(n * config.n_heads * config.head_dim * kHalf);
    both = device.allocate(n * 2 * config.intermediate * kHalf);
    gated = device.allocate(n * config.intermediate * kHalf);
  }
};

DeviceWalk::DeviceWalk(ops::Device& device,
                       const model::ModelConfig& config,
                       std::size_t n_tokens,
                       std::size_t window)
    : device_(device),
      config_(config),
      n_tokens_(n_tokens),
      window_(window),
      hidden_(device.allocate(n_tokens * config.hidden * sizeof(float))) {
  config_.n_layers = 1;
}

DeviceWalk::DeviceWalk(ops::Device& device, const model::ModelConfig& config, BlockTokens tokens)
    : DeviceWalk(device, config, tokens.size(), tokens.window()) {
  device.upload(tokens.hidden().data, hidden_.data(), hidden_.size());
  device.synchronize();  // the host's tokens go
}

DeviceWalk DeviceWalk::twin() const {
  DeviceWalk out(device_, config_, n_tokens_, window_);
  out.take_tokens_of(*this);
  return out;
}

DeviceWalk::DeviceWalk(DeviceWalk&&) noexcept = default;
DeviceWalk::~DeviceWalk() = default;

void DeviceWalk::rest() {
  buffers_.reset();
}

void DeviceWalk::take_tokens_of(const DeviceWalk& other) {
  NIBBLE_CHECK(other.hidden_.size() == hidden_.size(), "tokens of another walk");
  device_.copy(other.hidden_.data(), hidden_.data(), hidden_.size());
}

std::size_t DeviceWalk::bytes_needed(const model::ModelConfig& config,
                                     std::size_t n_tokens,
                                     std::size_t window,
                                     Uses uses) {
  const std::size_t q = config.n_heads * config.head_dim;
  const std::size_t widest = std::max({config.hidden, config.intermediate, q});
  const std::size_t linears =
      config.hidden * (qkv_width(config) + q + 3 * config.intermediate) * kHalf;
  // A weight as it is stored, in float32, by place and decoded.
  const std::size_t weight = config.hidden * widest * (4 * sizeof(float) + kHalf);
  // The moment, its factor, and two matrices of float64 while the factor is made.
  const std::size_t moment = widest * widest * 2 * (sizeof(float) + sizeof(double));
  // What a site reads and makes of all tokens, a part between and behind, the weights rewritten.
  const std::size_t rewriting =
      n_tokens * config.hidden * (sizeof(float) + kHalf) +
      windows_at_once(window) * window * config.hidden * 2 * sizeof(float) + 2 * linears;
  return n_tokens * config.hidden * sizeof(float) +
         windows_at_once(window) * window * bytes_a_token(config) + linears + weight +
         std::max(uses.moments ? moment : 0, uses.transforms ? rewriting : 0);
}

std::size_t DeviceWalk::cols_at(Site site) const noexcept {
  return cols_at_site(config_, site);
}

template <class F>
void DeviceWalk::for_each_part(const F& f) {
  if (buffers_ == nullptr) {
    buffers_ = std::make_unique<Buffers>(device_, config_, window_);
  }
  const std::size_t n_windows = n_tokens_ / window_;
  const std::size_t at_once = windows_at_once(window_);
  for (std::size_t first = 0; first < n_windows; first += at_once) {
    cancel_flag().check();
    const std::size_t n = std::min(at_once, n_windows - first);
    f(Part{hidden_.as<float>() + first * window_ * config_.hidden, first * window_, n * window_});
  }
  device_.check("a decoder block");
}

const void* DeviceWalk::normalize(const DeviceBlock& block, Site site, Part part) {
  const bool is_attention = site == Site::kAttentionIn || site == Site::kAttentionOut;
  kernels::cuda::NormTask task;
  task.x = part.hidden;
  task.weight =
      (is_attention ? block.weights().attention_norm : block.weights().mlp_norm).as<const float>();
  task.y = buffers_->normed.data();
  task.n_rows = static_cast<int>(part.n_tokens);
  task.width = static_cast<int>(config_.hidden);
  task.epsilon = config_.norm_epsilon;
  device_.kernels().rms_norm(task, device_.stream());
  return task.y;
}

const void* DeviceWalk::attend(const DeviceBlock& block, const void* x, std::size_t n_tokens) {
  Buffers& b = *buffers_;
  multiply_tokens(device_,
                  block.weights().qkv,
                  x,
                  b.qkv.data(),
                  Into::kHalf,
                  qkv_width(config_),
                  config_.hidden,
                  n_tokens);
  b.attention.run(block, b.qkv.data(), b.attended.data(), n_tokens / window_);
  return b.attended.data();
}

const void* DeviceWalk::gate(const DeviceBlock& block, const void* x, std::size_t n_tokens) {
  Buffers& b = *buffers_;
  multiply_tokens(device_,
                  block.weights().gate_up,
                  x,
                  b.both.data(),
                  Into::kHalf,
                  2 * config_.intermediate,
                  config_.hidden,
                  n_tokens);
  device_.kernels().gate(b.both.data(),
                         b.gated.data(),
                         static_cast<int>(config_.intermediate),
                         static_cast<int>(n_tokens),
                         config_.activation == ops::GateActivation::kGeluTanh,
                         device_.stream());
  return b.gated.data();
}

const void* DeviceWalk::reach(const DeviceBlock& block, Site site, Part part) {
  const void* const normed = normalize(block, site, part);
  switch (site) {
    case Site::kAttentionOut:
      return attend(block, normed, part.n_tokens);
    case Site::kMlpOut:
      return gate(block, normed, part.n_tokens);
    default:
      return normed;
  }
}

void DeviceWalk::project(
    const DeviceBlock& block, Site site, const void* x, float* y, std::size_t n_tokens, Into into) {
  const auto& w = site == Site::kAttentionOut ? block.weights().o : block.weights().down;
  multiply_tokens(device_, w, x, y, into, config_.hidden, cols_at(site), n_tokens);
}

void DeviceWalk::look(const DeviceBlock& block,
                      FunctionRef<bool(Site)> wants,
                      FunctionRef<void(Site, const SiteInputs&)> see) {
  const bool wants_mlp = wants(Site::kMlpIn) || wants(Site::kMlpOut);
  for_each_part([&](Part part) {
    const auto show = [&](Site site, const void* x) {
      if (wants(site)) {
        see(site, {x, part.first, part.n_tokens});
      }
    };
    const void* const normed = reach(block, Site::kAttentionIn, part);
    show(Site::kAttentionIn, normed);
    if (!wants_mlp && !wants(Site::kAttentionOut)) {
      return;
    }
    const void* const attended = attend(block, normed, part.n_tokens);
    show(Site::kAttentionOut, attended);
    if (!wants_mlp) {
      return;
    }
    const std::size_t n_bytes = part.n_tokens * config_.hidden * sizeof(float);
    Part between = part;
    between.hidden = reinterpret_cast<float*>(buffers_->between.need(device_, n_bytes));
    device_.copy(part.hidden, between.hidden, n_bytes);
    project(block, Site::kAttentionOut, attended, between.hidden, part.n_tokens, Into::kAddFloat);
    const void* const behind = reach(block, Site::kMlpIn, between);
    show(Site::kMlpIn, behind);
    if (wants(Site::kMlpOut)) {
      show(Site::kMlpOut, gate(block, behind, part.n_tokens));
    }
  });
}

const float* DeviceWalk::branch(const DeviceBlock& block, Site site, const SiteInputs& inputs) {
  auto* const out = reinterpret_cast<float*>(
      buffers_->branch.need(device_, inputs.n_tokens * config_.hidden * sizeof(float)));
  const bool is_attention = site == Site::kAttentionIn;
  const void* const inner = is_attention ? attend(block, inputs.x, inputs.n_tokens)
                                         : gate(block, inputs.x, inputs.n_tokens);
  project(block,
          is_attention ? Site::kAttentionOut : Site::kMlpOut,
          inner,
          out,
          inputs.n_tokens,
          Into::kFloat);
  return out;
}

void DeviceWalk::run(DeviceBlock& block,
                     FunctionRef<bool(Site)> wants_moment,
                     FunctionRef<void(Site, DeviceMoment*)> solve) {
  const auto add_branch = [&](Site site, Part part) {
    project(block, site, reach(block, site, part), part.hidden, part.n_tokens, Into::kAddFloat);
  };
  for (const Site site : kSites) {
    std::optional<DeviceMoment> moment;
    if (wants_moment(site)) {
      moment.emplace(device_, cols_at(site));
    }
    if (moment || site == Site::kMlpIn) {
      for_each_part([&](Part part) {
        if (site == Site::kMlpIn) {
          add_branch(Site::kAttentionOut, part);
        }
        if (moment) {
          moment->add(reach(block, site, part), part.n_tokens);
        }
      });
    }
    if (moment) {
      moment->finish();
    }
    solve(site, moment ? &*moment : nullptr);
  }
  for_each_part([&](Part part) { add_branch(Site::kMlpOut, part); });
}

void DeviceWalk::pass(DeviceBlock& block) {
  run(
      block, [](Site /*site*/) { return false; }, [](Site /*site*/, DeviceMoment* /*moment*/) {});
}

}  // namespace nibble::quant
