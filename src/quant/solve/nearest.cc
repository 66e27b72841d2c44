#include "quant/solve/nearest.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/checked_math.h"
#include "codec/dense.h"
#include "quant/device/nearest.h"
#include "quant/device_solver.h"
#include "quant/solve/hqq.h"
#include "quant/solve/parallel_for.h"
#include "quant/solve/rounding.h"
#include "tensor/half.h"

namespace nibble::quant {
namespace {

/// Rows or blocks of one task of the pool: enough work to hide the hand-out.
constexpr std::size_t kRowsPerTask = 16;
constexpr std::size_t kBlocksPerTask = 256;

struct Range {
  float low;
  float high;
};

Range range_of(std::span<const float> w, RangeRule rule) noexcept {
  const auto [low, high] = std::ranges::minmax(w);
  return rule == RangeRule::kRaw ? Range{low, high}
                                 : Range{std::min(low, 0.0F), std::max(high, 0.0F)};
}

/// A scale must not vanish, because weights are divided by it.
float stored_scale(float scale, DType dtype) noexcept {
  constexpr float kSmallestHalf = 0x1p-24F;
  const float smallest =
      dtype == DType::kF16 ? kSmallestHalf : std::numeric_limits<float>::denorm_min();
  return std::max(codec::stored_parameter(scale, dtype), smallest);
}

/// Symmetric grids: the widest weight sets the scale, zero is the middle code.
float symmetric_scale(Range range, const codec::IntGroupFormat& format, RangeRule rule) noexcept {
  const float widest = std::max(std::fabs(range.low), range.high);
  if (rule == RangeRule::kRaw) {
    return std::max(widest, 1e-5F) / static_cast<float>(format.middle() - 1);
  }
  const float low = range.low < 0.0F ? -widest : range.low;
  return (widest - low) / static_cast<float>(format.max_code());
}

GroupGrid asymmetric_grid(Range range,
                          const codec::IntGroupFormat& format,
                          RangeRule rule) noexcept {
  const auto max_code = static_cast<float>(format.max_code());
  float span = range.high - range.low;
  if (rule == RangeRule::kRaw) {
    span = std::max(span, 1e-5F);
  }
  const float scale = stored_scale(span / max_code, format.parameters);
  return {scale, static_cast<float>(nearest_code(-range.low / scale, max_code))};
}

/// Sum of |w - value|^2.4, or more than `least` as soon as it is more.
double clip_error(std::span<const float> w,
                  const GroupGrid& grid,
                  float max_code,
                  double least) noexcept {
  constexpr float kPower = 2.4F;
  double sum = 0;
  for (const float x : w) {
    const float steps = round_even(std::clamp(x / grid.scale, -grid.zero, max_code - grid.zero));
    sum += static_cast<double>(std::pow(std::fabs(x - grid.scale * steps), kPower));
    if (sum > least) {
      break;
    }
  }
  return sum;
}

GroupGrid searched_grid(std::span<const float> w, const codec::IntGroupFormat& format) noexcept {
  constexpr int kShrinks = 80;
  const bool is_symmetric = format.zero == codec::ZeroKind::kMiddle;
  const Range whole = range_of(w, RangeRule::kMse);
  if (whole.high - whole.low <= 0.0F) {
    return integer_grid(w, format, RangeRule::kMinMax);  // a group of zeros
  }
  GroupGrid best;
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kShrinks; ++i) {
    const float share = 1.0F - 0.01F * static_cast<float>(i);
    const Range range{whole.low * share, whole.high * share};
    const GroupGrid grid =
        is_symmetric ? GroupGrid{stored_scale(symmetric_scale(range, format, RangeRule::kRaw),
                                              format.parameters),
                                 static_cast<float>(format.middle())}
                     : asymmetric_grid(range, format, RangeRule::kMinMax);
    const double error = clip_error(w, grid, format.max_code(), least);
    if (error < least) {
      least = error;
      best = grid;
    }
  }
  return best;
}

void quantize_group(std::span<const float> w,
                    const GroupGrid& grid,
                    float max_code,
                    std::uint8_t* codes) noexcept {
  for (std::size_t i = 0; i < w.size(); ++i) {
    const float steps = std::clamp(w[i] / grid.scale, -grid.zero, max_code - grid.zero);
    codes[i] = static_cast<std::uint8_t>(round_even(steps) + grid.zero);
  }
}

/// Codes in ascending order of their values, and the midpoints between neighbours.
struct Thresholds {
  std::array<std::uint8_t, 16> code;
  std::array<float, 15> middle;
};

Thresholds thresholds_of(codec::Codebook codebook) {
  const auto& values = codec::codebook_values(codebook);
  Thresholds out{};
  std::iota(out.code.begin(), out.code.end(), std::uint8_t{0});
  std::ranges::stable_sort(out.code, {}, [&](std::uint8_t c) { return values[c]; });
  for (std::size_t i = 0; i < out.middle.size(); ++i) {
    out.middle[i] = (values[out.code[i]] + values[out.code[i + 1]]) / 2.0F;
  }
  return out;
}

std::uint8_t nearest_entry(float x, const Thresholds& thresholds) noexcept {
  std::size_t n_below = 0;
  for (const float middle : thresholds.middle) {
    n_below += x > middle ? 1 : 0;
  }
  return thresholds.code[n_below];
}

float absmax_of(std::span<const float> w) noexcept {
  float out = 0.0F;
  for (const float v : w) {
    out = std::max(out, std::fabs(v));
  }
  return out;
}

/// The inverse of a block's absmax; blocks of zeros get a finite one.
float inverse_of(float absmax) noexcept {
  return 1.0F / std::max(absmax, 1e-38F);
}

/// Index of the value of the dynamic map that is nearest to x in [-1, 1]. Like the reference, x is
/// first rounded to one of 65536 equal steps, so the choice near a midpoint is that of the step,
/// not of x.
std::uint8_t nearest_dynamic(float x) noexcept {
  constexpr float kSteps = 65535.0F;
  const float level = std::nearbyint((x + 1.0F) * 0.5F * kSteps) * (2.0F / kSteps) - 1.0F;
  const auto& map = codec::dynamic_map();
  const auto above = std::ranges::lower_bound(map, level);
  if (above == map.begin()) {
    return 0;
  }
  const auto below = above - 1;
  const bool is_below = above == map.end() || level - *below <= *above - level;
  return static_cast<std::uint8_t>((is_below ? below : above) - map.begin());
}

/// Replaces absmax by its nested form.
void nest_absmax(codec::CodebookCodes& codes) {
  const double sum = std::accumulate(codes.absmax.begin(), codes.absmax.end(), 0.0);
  const std::size_t n_blocks = codes.absmax.size();
  codes.nested_offset =
      n_blocks == 0 ? 0.0F : static_cast<float>(sum / static_cast<double>(n_blocks));
  for (float& a : codes.absmax) {
    a -= codes.nested_offset;
  }
  codes.absmax_u8.resize(n_blocks);
  for (std::size_t begin = 0; begin < n_blocks; begin += codec::kNestedBlock) {
    const std::size_t end = std::min(begin + codec::kNestedBlock, n_blocks);
    const float widest = absmax_of(std::span(codes.absmax).subspan(begin, end - begin));
    codes.nested_absmax.push_back(widest);
    const float inverse = inverse_of(widest);
    for (std::size_t b = begin; b < end; ++b) {
      codes.absmax_u8[b] = nearest_dynamic(codes.absmax[b] * inverse);
    }
  }
  codes.absmax.clear();
}

/// The weights in row order without gaps; copied only when the view has some.
std::span<const float> flatten(MatrixView<const float> w, std::vector<float>& storage) {
  if (w.stride == w.cols || w.rows <= 1) {
    return {w.data, w.rows * w.cols};
  }
  storage.reserve(w.rows * w.cols);
  for (std::size_t r = 0; r < w.rows; ++r) {
    storage.insert(storage.end(), w.row(r), w.row(r) + w.cols);
  }
  return storage;
}

}  // namespace

GroupGrid integer_grid(std::span<const float> w,
                       const codec::IntGroupFormat& format,
                       RangeRule rule) noexcept {
  if (rule == RangeRule::kMse) {
    return searched_grid(w, format);
  }
  Range range = range_of(w, rule);
  if (rule == RangeRule::kMinMax && range.high - range.low <= 0.0F) {
    range = {-1.0F, 1.0F};  // a group of zeros
  }
  if (format.zero == codec::ZeroKind::kMiddle) {
    return {stored_scale(symmetric_scale(range, format, rule), format.parameters),
            static_cast<float>(format.middle())};
  }
  return asymmetric_grid(range, format, rule);
}

codec::IntGroupCodes nearest_int_group(MatrixView<const float> w,
                                       const codec::IntGroupFormat& format,
                                       RangeRule rule,
                                       ThreadPool& pool) {
  if (format.zero == codec::ZeroKind::kFloat) {
    return hqq(w, format, {.max_iterations = 0}, pool).codes;
  }
  const std::size_t n_groups = format.n_groups(w.cols);
  const std::size_t group = format.group_of(w.cols);
  codec::IntGroupCodes out;
  out.codes.resize(w.rows * w.cols);
  out.scales.resize(w.rows * n_groups);
  out.zeros.resize(w.rows * n_groups);
  parallel_for(pool, w.rows, kRowsPerTask, [&](std::size_t r) {
    for (std::size_t g = 0; g < n_groups; ++g) {
      const std::size_t begin = g * group;
      const auto weights = w.row_span(r).subspan(begin, std::min(group, w.cols - begin));
      const GroupGrid grid = integer_grid(weights, format, rule);
      quantize_group(weights, grid, format.max_code(), &out.codes[r * w.cols + begin]);
      out.scales[r * n_groups + g] = grid.scale;
      out.zeros[r * n_groups + g] = grid.zero;
    }
  });
  return out;
}

codec::CodebookCodes nearest_codebook(MatrixView<const float> w,
                                      const codec::CodebookFormat& format,
                                      ThreadPool& pool) {
  std::vector<float> storage;
  const auto flat = flatten(w, storage);
  const std::size_t n_blocks = ceil_div(flat.size(), format.block);
  const Thresholds thresholds = thresholds_of(format.codebook);
  codec::CodebookCodes out;
  out.codes.resize(flat.size());
  out.absmax.resize(n_blocks);
  parallel_for(pool, n_blocks, kBlocksPerTask, [&](std::size_t b) {
    const std::size_t begin = b * format.block;
    const auto block = flat.subspan(begin, std::min(format.block, flat.size() - begin));
    out.absmax[b] = absmax_of(block);
    const float inverse = inverse_of(out.absmax[b]);
    for (std::size_t i = 0; i < block.size(); ++i) {
      out.codes[begin + i] = nearest_entry(block[i] * inverse, thresholds);
    }
  });
  if (format.nested) {
    nest_absmax(out);
  }
  return out;
}

namespace {

std::optional<DType> dense_dtype(const codec::Codec& codec) {
  const std::string name = codec.name();
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    if (codec::dense_codec(dtype)->name() == name) {
      return dtype;
    }
  }
  return std::nullopt;
}

codec::EncodedMatrix nearest_dense(MatrixView<const float> w, DType dtype, ThreadPool& pool) {
  Tensor out = Tensor::make(dtype, {w.rows, w.cols});
  parallel_for(pool, w.rows, kRowsPerTask, [&](std::size_t r) {
    if (dtype == DType::kF32) {
      std::ranges::copy(w.row_span(r), out.mutable_as<float>().subspan(r * w.cols, w.cols).begin());
    } else {
      std::ranges::transform(w.row_span(r),
                             out.mutable_as<std::uint16_t>().subspan(r * w.cols, w.cols).begin(),
                             dtype == DType::kF16 ? f32_to_f16 : f32_to_bf16);
    }
  });
  return codec::dense_matrix(std::move(out));
}

class Nearest final : public Solver, public DeviceSolver {
 public:
  explicit Nearest(RangeRule rule) : rule_(rule) {}

  std::vector<std::pair<std::string, std::string>> settings() const override {
    return {{"range", fmt::format("\"{}\"", kRangeRules[static_cast<std::size_t>(rule_)])}};
  }

  Result<void> check(const codec::Codec& codec) const override {
    const auto* integers = codec::int_group_format(codec);
    if (integers != nullptr && integers->is_permuted) {
      return fail(ErrorCode::kUnsupported,
                  "method 'nearest' knows no order of the inputs, which codec '{}' stores",
                  codec.name());
    }
    if (integers != nullptr || codec::codebook_format(codec) != nullptr || dense_dtype(codec)) {
      return {};
    }
    return fail(
        ErrorCode::kUnsupported,
        "method 'nearest' cannot write codec '{}'; it writes int, nf4, fp4, f32, f16 and bf16",
        codec.name());
  }

  Solved solve(const SolveInput& input,
               const std::shared_ptr<const codec::Codec>& codec,
               ThreadPool& pool) const override {
    return {encode(input.weight, codec, pool), {}};
  }

  const DeviceSolver* device_solver() const noexcept override { return this; }
  bool takes(const codec::Codec& codec) const override {
    const auto* format = codec::int_group_format(codec);
    return format != nullptr && format->zero != codec::ZeroKind::kFloat && rule_ != RangeRule::kMse;
  }
  DeviceSolved solve_on(ops::Device& device,
                        const DeviceSolveInput& input,
                        const codec::Codec& codec) const override {
    return {nearest_on(device, input.weight, *codec::int_group_format(codec), rule_), {}};
  }

 private:
  [[nodiscard]] codec::EncodedMatrix encode(MatrixView<const float> w,
                                            const std::shared_ptr<const codec::Codec>& codec,
                                            ThreadPool& pool) const {
    if (const auto* format = codec::int_group_format(*codec)) {
      return codec::pack_int_group(
          *format, w.rows, w.cols, nearest_int_group(w, *format, rule_, pool));
    }
    if (const auto* format = codec::codebook_format(*codec)) {
      return codec::pack_codebook(*format, w.rows, w.cols, nearest_codebook(w, *format, pool));
    }
    const auto dtype = dense_dtype(*codec);
    NIBBLE_CHECK(dtype.has_value(), "nearest: solve without check");
    return nearest_dense(w, *dtype, pool);
  }

  RangeRule rule_;
};

}  // namespace

RangeRule read_range_rule(TomlTable& stage) {
  const std::string range = stage.optional<std::string>("range").value_or("minmax");
  const auto found = std::ranges::find(kRangeRules, range);
  if (found == std::end(kRangeRules)) {
    stage.reject(
        "range",
        fmt::format("'{}' is not known, expected one of: {}", range, fmt::join(kRangeRules, ", ")));
  }
  return static_cast<RangeRule>(found - std::begin(kRangeRules));
}

std::unique_ptr<Solver> make_nearest(TomlTable& stage) {
  return std::make_unique<Nearest>(read_range_rule(stage));
}

}  // namespace nibble::quant
