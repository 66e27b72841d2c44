// Every panel kernel of every instruction set that this processor has, on shapes that do and do not
// fill a tile, against the plain product in float64. The stated tolerance of a format is derived
// from its arithmetic:
//   f32    4e-7 * cols * max|W| * max|x|
//   bf16   weights and activations keep 8 bits: 2 * 2^-8 * sum |W x|, halved by rounding to nearest
//   codes  activations are rounded to 1/127 of the largest of their block, half a step each: sum
//          over c of |W| * top / 254; scales that are not binary16 keep 11 bits: 2^-11 * sum |s q
//          x|; a codebook of floats is rounded to int8: half a step of its largest level / 63
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "codec/block_codec.h"
#include "codec/dense.h"
#include "codec/gguf_blocks.h"
#include "kernels/linear.h"
#include "kernels/pack_codes.h"
#include "kernels/reference/linear.h"
#include "kernels/select.h"
#include "support/grid_codec.h"

namespace nibble::kernels {
namespace {

using nibble::testing::GridCodec;
using nibble::testing::kTopScale;

/// The largest level of the codebook of floats.
constexpr double kTopLevel = 1.92;

struct Kind {
  const char* name;
  std::size_t bits;
  bool has_offsets;
  bool common_zero;
  enum { kNone, kIntegers, kFloats } codebook;
  PanelFormat wanted;
};

constexpr Kind kKinds[] = {
    {"int4 symmetric", 4, true, true, Kind::kNone, PanelFormat::kInt4},
    {"int4 with offsets", 4, true, false, Kind::kNone, PanelFormat::kInt4},
    {"int4 codebook of integers", 4, false, false, Kind::kIntegers, PanelFormat::kLut4},
    {"int4 codebook of floats", 4, false, false, Kind::kFloats, PanelFormat::kLut4},
    {"int2 symmetric", 2, true, true, Kind::kNone, PanelFormat::kInt2},
    {"int2 with offsets", 2, true, false, Kind::kNone, PanelFormat::kInt2},
    {"int3 symmetric", 3, true, true, Kind::kNone, PanelFormat::kInt3},
    {"int3 with offsets", 3, true, false, Kind::kNone, PanelFormat::kInt3},
    {"int5 symmetric", 5, true, true, Kind::kNone, PanelFormat::kInt5},
    {"int5 with offsets", 5, true, false, Kind::kNone, PanelFormat::kInt5},
    {"int6 symmetric", 6, true, true, Kind::kNone, PanelFormat::kInt6},
    {"int6 with offsets", 6, true, false, Kind::kNone, PanelFormat::kInt6},
    {"int7 with offsets", 7, true, false, Kind::kNone, PanelFormat::kInt8},
    {"int8 symmetric", 8, true, true, Kind::kNone, PanelFormat::kInt8},
    {"int8 with offsets", 8, true, false, Kind::kNone, PanelFormat::kInt8},
};

std::array<float, 16> codebook_of(decltype(Kind::codebook) kind) {
  std::array<float, 16> out{};
  for (int i = 0; i < 16; ++i) {
    const float x = static_cast<float>(i) - 7.5F;
    const float curved = x * std::fabs(x) * 2.0F;  // -112.5 to 112.5
    out[static_cast<std::size_t>(i)] =
        kind == Kind::kIntegers ? std::round(curved) : curved * 0.017F;
  }
  return out;
}

struct Case {
  std::size_t rows, cols, tokens;
};

constexpr Case kCases[] = {{1, 1, 1},
                           {1, 32, 1},
                           {3, 7, 2},
                           {15, 31, 3},
                           {16, 32, 4},
                           {17, 33, 5},
                           {16, 64, 8},
                           {31, 65, 9},
                           {32, 96, 11},
                           {33, 100, 12},
                           {48, 576, 13},
                           {50, 300, 24},
                           {49, 127, 25},
                           {16, 1024, 33},
                           {5, 520, 16},
                           {40, 130, 7},
                           {34, 33, 41},
                           {50, 200, 112}};

struct Problem {
  codec::EncodedMatrix weight;
  std::vector<float> decoded;
  std::vector<float> x;
  std::vector<float> wanted;
  std::size_t rows, cols, tokens;
};

Problem make_problem(const Case& shape, codec::EncodedMatrix weight) {
  Problem out{std::move(weight), {}, {}, {}, shape.rows, shape.cols, shape.tokens};
  out.decoded = codec::decode_all(out.weight);
  std::mt19937 random(99);
  std::normal_distribution<float> normal(0.1F, 1.0F);
  out.x.resize(shape.tokens * shape.cols);
  std::ranges::generate(out.x, [&] { return normal(random); });
  out.wanted.resize(shape.tokens * shape.rows);
  reference::linear({out.decoded.data(), shape.rows, shape.cols},
                    {out.x.data(), shape.tokens, shape.cols},
                    {out.wanted.data(), shape.tokens, shape.rows});
  return out;
}

/// The tokens of a problem as the kernel reads them.
std::vector<std::byte> convert(const LinearKernels& kernels,
                               const ActivationFormat& format,
                               const TilePlan& plan,
                               const Problem& problem) {
  const std::size_t token_bytes = activation_bytes(format);
  std::vector<std::byte> converted(plan.padded() * token_bytes, std::byte{0x5A});
  for (std::size_t i = 0; i < plan.n_tiles; ++i) {
    kernels.pack[static_cast<std::size_t>(format.type)](
        {.format = &format,
         .x = problem.x.data() + i * plan.full * problem.cols,
         .x_stride = problem.cols,
         .n_tokens = plan.tokens(i),
         .tile = plan.width(i),
         .out = converted.data() + i * plan.full * token_bytes});
  }
  return converted;
}

/// Panels and tiles in one call.
struct AtOnce {
  std::size_t panels;
  std::size_t tiles;
};
constexpr AtOnce kAsManyAsTaken = {1000, 1000};

/// All panels and tiles of one product, as ops/linear.cc walks them, with at most so many in a
/// call.
std::vector<float> multiply(const LinearKernels& kernels,
                            const Panels& panels,
                            const Problem& problem,
                            const AtOnce& most = kAsManyAsTaken) {
  const PanelKernel& kernel = kernels.panel(panels.format);
  const ActivationFormat format = activation_format(panels, kernel);
  const TilePlan plan = plan_tiles(kernels.tiles, problem.tokens);
  const std::vector<std::byte> converted = convert(kernels, format, plan, problem);
  const std::size_t n_panels = std::min(most.panels, kernel.panels_at_once);
  const std::size_t n_full = plan.n_tiles - (plan.last == plan.full ? 0 : 1);
  std::vector<float> y(problem.tokens * problem.rows, -1e30F);
  std::size_t n_tiles = 1;
  for (std::size_t i = 0; i < plan.n_tiles; i += n_tiles) {
    n_tiles = i < n_full ? std::min({most.tiles, kernel.tiles_at_once, n_full - i}) : 1;
    for (std::size_t p = 0; p < panels.n_panels; p += n_panels) {
      PanelTask task = panel_task(panels, p, n_panels);
      task.x = converted.data() + i * plan.full * activation_bytes(format);
      task.tile = plan.width(i);
      task.n_tokens = std::min(n_tiles * plan.full, problem.tokens - i * plan.full);
      task.y = y.data() + i * plan.full * problem.rows + p * kPanelRows;
      task.y_stride = problem.rows;
      kernel.multiply(task);
    }
  }
  return y;
}

int bits_of(PanelFormat format) {
  return static_cast<int>(chunk_bytes(format) / kVectorBytes);
}

/// What one output may differ by.
double tolerance(const Problem& problem, const Panels& panels, std::size_t token, std::size_t row) {
  const float* w = problem.decoded.data() + row * problem.cols;
  const float* x = problem.x.data() + token * problem.cols;
  double top_w = 0.0, top_x = 0.0, products = 0.0, weights = 0.0, inputs = 0.0;
  for (std::size_t c = 0; c < problem.cols; ++c) {
    top_w = std::max(top_w, std::fabs(double{w[c]}));
    top_x = std::max(top_x, std::fabs(double{x[c]}));
    products += std::fabs(double{w[c]} * double{x[c]});
    weights += std::fabs(double{w[c]});
    inputs += std::fabs(double{x[c]});
  }
  const double f32 = 4e-7 * static_cast<double>(problem.cols) * top_w * top_x;
  if (panels.format == PanelFormat::kF32) {
    return f32;
  }
  if (panels.format == PanelFormat::kBf16) {
    return f32 + std::ldexp(products, -8) * 1.01;
  }
  // Offsets may cancel codes: what is rounded is as large as the whole range of the codes.
  const bool looks_up = panels.format == PanelFormat::kLut4;
  const double range = kTopScale * (looks_up ? 256.0 : std::ldexp(1.0, bits_of(panels.format)));
  const double rounded_levels =
      looks_up && panels.level_factor != 1.0F ? kTopScale * kTopLevel / 126.0 * inputs : 0.0;
  return f32 + weights * top_x / 254.0 * 1.01 + rounded_levels +
         std::ldexp(range * top_x * static_cast<double>(problem.cols), -12);
}

void expect_near(const KernelSet& set,
                 const Panels& panels,
                 const Problem& problem,
                 const std::string& what) {
  const std::vector<float> y = multiply(*set.linear, panels, problem);
  EXPECT_EQ(y, multiply(*set.linear, panels, problem, {1, 1})) << what << ": panels one by one";
  EXPECT_EQ(y, multiply(*set.linear, panels, problem, {2, 1})) << what << ": tiles one by one";
  for (std::size_t t = 0; t < problem.tokens; ++t) {
    for (std::size_t r = 0; r < problem.rows; ++r) {
      const std::size_t at = t * problem.rows + r;
      ASSERT_NEAR(y[at], problem.wanted[at], tolerance(problem, panels, t, r))
          << set.name << ", " << set.linear->panel(panels.format).name << ", " << what << ": token "
          << t << " of " << problem.tokens << ", row " << r << " of " << problem.rows << ", "
          << problem.cols << " columns";
    }
  }
}

TEST(PanelKernels, CodesAgreeWithTheReference) {
  ThreadPool pool(1);
  for (const Kind& kind : kKinds) {
    for (const Case& shape : kCases) {
      for (const std::size_t group : {16U, 32U, 64U, 24U, 128U, 1000000U}) {
        codec::Grid grid{.bits = kind.bits,
                         .group = std::min<std::size_t>(group, shape.cols),
                         .has_offsets = kind.has_offsets,
                         .codebook = {}};
        if (kind.codebook != Kind::kNone) {
          grid.codebook = codebook_of(kind.codebook);
        }
        const Problem problem =
            make_problem(shape,
                         {std::make_shared<GridCodec>(grid, shape.cols, kind.common_zero, 7U),
                          shape.rows,
                          shape.cols,
                          {}});
        const Panels panels = pack_panels(problem.weight, Arithmetic::kNative, pool);
        ASSERT_EQ(panels.format, kind.wanted) << kind.name;
        ASSERT_EQ(panels.has_offsets, kind.has_offsets && !kind.common_zero) << kind.name;
        for (const KernelSet& set : usable_kernel_sets()) {
          expect_near(
              set, panels, problem, std::string(kind.name) + " group " + std::to_string(group));
        }
        if (HasFatalFailure()) {
          return;
        }
      }
    }
  }
}

/// Random blocks of a GGUF type; bit 6 of every byte is clear, so that no float is infinite.
codec::EncodedMatrix random_blocks(std::string_view name, std::size_t rows, std::size_t cols) {
  const auto codec = codec::gguf_block_codec(name);
  std::mt19937 random(11);
  std::vector<std::uint8_t> bytes(rows * codec->row_bytes(cols));
  std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random() & 0xBFU); });
  return codec::block_matrix(
      codec,
      rows,
      cols,
      Tensor::from<std::uint8_t>(DType::kU8, {rows, codec->row_bytes(cols)}, bytes));
}

/// float32 rounding of the sums, whose terms may cancel.
double sum_rounding(const Panels& panels, std::size_t row, double top_x) {
  double top = 0.0;
  for (std::size_t g = 0; g < panels.groups.n_groups; ++g) {
    const GroupScale group = scale_of(panels, row, g);
    top = std::max(top, std::fabs(double{group.scale}) * 256.0 + std::fabs(double{group.offset}));
  }
  return 4e-7 * static_cast<double>(panels.cols) * top * top_x;
}

TEST(PanelKernels, GgufTypesKeepTheirValues) {
  ThreadPool pool(1);
  for (const std::string_view name :
       {"q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "iq4_nl", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k"}) {
    const Problem problem = make_problem({19, 512, 15}, random_blocks(name, 19, 512));
    const Panels panels = pack_panels(problem.weight, Arithmetic::kNative, pool);
    EXPECT_LT(
        static_cast<double>(panels.n_bytes()) / (32.0 / 19.0),
        static_cast<double>(problem.weight.n_bytes()) * (name == "q2_k" ? 1.25 : 1.10) + 256.0)
        << name << ": bytes of panels, which have 32 rows";
    std::vector<float> row(512);
    for (std::size_t r = 0; r < 19; ++r) {
      unpack_panel_row(panels, r, row.data());
      for (std::size_t c = 0; c < 512; ++c) {
        ASSERT_EQ(row[c], problem.decoded[r * 512 + c]) << name << " row " << r << " column " << c;
      }
    }
    for (const KernelSet& set : usable_kernel_sets()) {
      const std::vector<float> y = multiply(*set.linear, panels, problem);
      for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t r = i % 19;
        const float* w = problem.decoded.data() + r * 512;
        const float* x = problem.x.data() + i / 19 * 512;
        double weights = 0.0, top_x = 0.0;
        for (std::size_t c = 0; c < 512; ++c) {
          weights += std::fabs(double{w[c]});
          top_x = std::max(top_x, std::fabs(double{x[c]}));
        }
        ASSERT_NEAR(y[i],
                    problem.wanted[i],
                    weights * top_x / 254.0 * 1.01 + sum_rounding(panels, r, top_x))
            << set.name << ", " << name << ", row " << r << ", token " << i / 19;
      }
    }
  }
}

/// The order of the sums of an output does not depend on the tokens beside it.
TEST(PanelKernels, TokensDoNotChangeEachOther) {
  ThreadPool pool(1);
  const std::size_t n_tokens = 27;
  std::vector<codec::EncodedMatrix> weights;
  for (const std::string_view name : {"q4_0", "q5_1", "q3_k", "q6_k"}) {
    weights.push_back(random_blocks(name, 16, 512));
  }
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> values(16 * 700);
  std::ranges::generate(values, [&] { return normal(random); });
  weights.push_back(codec::dense_matrix(Tensor::from<float>(DType::kF32, {16, 700}, values)));
  for (const codec::EncodedMatrix& weight : weights) {
    const Problem all = make_problem({16, weight.cols, n_tokens}, weight);
    for (const Arithmetic arithmetic : {Arithmetic::kF32, Arithmetic::kNative}) {
      const Panels panels = pack_panels(weight, arithmetic, pool);
      for (const KernelSet& set : usable_kernel_sets()) {
        const std::vector<float> together = multiply(*set.linear, panels, all);
        for (std::size_t t = 0; t < n_tokens; ++t) {
          Problem one = all;
          one.tokens = 1;
          one.x.assign(all.x.begin() + static_cast<std::ptrdiff_t>(t * weight.cols),
                       all.x.begin() + static_cast<std::ptrdiff_t>((t + 1) * weight.cols));
          const std::vector<float> alone = multiply(*set.linear, panels, one);
          for (std::size_t r = 0; r < 16; ++r) {
            ASSERT_EQ(alone[r], together[t * 16 + r])
                << set.linear->panel(panels.format).name << ", token " << t << ", row " << r;
          }
        }
      }
    }
  }
}

TEST(PanelKernels, ATokenThatIsNoNumberGivesNone) {
  ThreadPool pool(1);
  Problem problem = make_problem({16, 256, 5}, random_blocks("q4_k", 16, 256));
  problem.x[2 * 256 + 77] = std::numeric_limits<float>::quiet_NaN();
  problem.x[4 * 256 + 3] = std::numeric_limits<float>::infinity();
  const Panels panels = pack_panels(problem.weight, Arithmetic::kNative, pool);
  for (const KernelSet& set : usable_kernel_sets()) {
    const std::vector<float> y = multiply(*set.linear, panels, problem);
    for (std::size_t i = 0; i < y.size(); ++i) {
      EXPECT_EQ(std::isnan(y[i]), i / 16 == 2 || i / 16 == 4) << set.name << " token " << i / 16;
    }
  }
}

TEST(PanelKernels, DenseAgreesWithTheReference) {
  ThreadPool pool(1);
  for (const Case& shape : kCases) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0.0F, 0.05F);
    std::vector<float> values(shape.rows * shape.cols);
    std::ranges::generate(values, [&] { return normal(random); });
    const Problem problem = make_problem(
        shape,
        codec::dense_matrix(Tensor::from<float>(DType::kF32, {shape.rows, shape.cols}, values)));
    for (const Arithmetic arithmetic : {Arithmetic::kF32, Arithmetic::kNative}) {
      const Panels panels = pack_panels(problem.weight, arithmetic, pool);
      ASSERT_EQ(panels.format,
                arithmetic == Arithmetic::kF32 ? PanelFormat::kF32 : PanelFormat::kBf16);
      for (const KernelSet& set : usable_kernel_sets()) {
        expect_near(set, panels, problem, "dense");
      }
      if (HasFatalFailure()) {
        return;
      }
    }
  }
}

TEST(PanelKernels, UnpackedRowsAreTheDecodedRows) {
  ThreadPool pool(1);
  for (const Kind& kind : kKinds) {
    codec::Grid grid{
        .bits = kind.bits, .group = 32, .has_offsets = kind.has_offsets, .codebook = {}};
    if (kind.codebook != Kind::kNone) {
      grid.codebook = codebook_of(kind.codebook);
    }
    const codec::EncodedMatrix weight{
        std::make_shared<GridCodec>(grid, 100, kind.common_zero, 5U), 20, 100, {}};
    const std::vector<float> wanted = codec::decode_all(weight);
    for (const Arithmetic arithmetic : {Arithmetic::kF32, Arithmetic::kNative}) {
      const Panels panels = pack_panels(weight, arithmetic, pool);
      const bool looks_up = panels.format == PanelFormat::kLut4;
      const double range =
          kTopScale * static_cast<double>(1 << kind.bits) * (looks_up ? 16.0 : 1.0);
      const double rounded_levels =
          looks_up && panels.level_factor != 1.0F ? kTopScale * kTopLevel / 126.0 : 0.0;
      for (std::size_t r = 0; r < 20; ++r) {
        std::vector<float> row(100);
        unpack_panel_row(panels, r, row.data());
        for (std::size_t c = 0; c < 100; ++c) {
          const double allowed =
              arithmetic == Arithmetic::kF32 ? 0.0 : std::ldexp(range, -11) + rounded_levels;
          ASSERT_NEAR(row[c], wanted[r * 100 + c], allowed)
              << kind.name << " row " << r << " column " << c;
        }
      }
    }
  }
}

}  // namespace
}  // namespace nibble::kernels
