// Attention and the element-wise operations of every instruction set that this processor has,
// against the plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <span>

#include "kernels/reference/attention.h"
#include "kernels/reference/elementwise.h"
#include "kernels/reference/hadamard.h"
#include "kernels/select.h"
#include "tensor/half.h"

namespace nibble::kernels {
namespace {

constexpr std::size_t kSizes[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 576, 1537};

std::vector<float> normal_values(std::size_t n, float spread, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> out(n);
  std::ranges::generate(out, [&] { return normal(random); });
  return out;
}

/// Runs `f(kernels, x, y)` with the plain loops and with each set; y may differ by `tolerance` of
/// what it should be.
void compare(
    float spread,
    double tolerance,
    const std::function<void(const ElementwiseKernels&, std::vector<float>&, std::vector<float>&)>&
        f) {
  for (const std::size_t n : kSizes) {
    std::vector<float> wanted_x = normal_values(n, spread, 1);
    std::vector<float> wanted_y = normal_values(n, 1.0F, 2);
    f(reference::kElementwise, wanted_x, wanted_y);
    for (const KernelSet& set : usable_kernel_sets()) {
      std::vector<float> x = normal_values(n, spread, 1);
      std::vector<float> y = normal_values(n, 1.0F, 2);
      f(*set.elementwise, x, y);
      for (std::size_t i = 0; i < n; ++i) {
        const auto near = [tolerance](float wanted) {
          return tolerance * (std::fabs(double{wanted}) + 1e-3);
        };
        ASSERT_NEAR(x[i], wanted_x[i], near(wanted_x[i])) << set.name << " " << i << " of " << n;
        ASSERT_NEAR(y[i], wanted_y[i], near(wanted_y[i])) << set.name << " " << i << " of " << n;
      }
    }
  }
}

using Values = std::vector<float>;

TEST(ElementwiseKernels, RmsNorm) {
  compare(3.0F, 1e-6, [](const ElementwiseKernels& k, Values& x, Values& y) {
    k.rms_norm(x.data(), y.data(), 1e-5F, x.data(), x.size());
  });
}

TEST(ElementwiseKernels, LayerNorm) {
  compare(3.0F, 2e-6, [](const ElementwiseKernels& k, Values& x, Values& y) {
    const Values weight = normal_values(x.size(), 1.0F, 3);
    // A mean that is large beside the spread: the variance must be that of the differences. The
    // bias keeps results away from zero, where a relative error says nothing.
    for (float& value : x) {
      value += 50.0F;
    }
    Values bias(x.size(), 40.0F);
    k.layer_norm(x.data(), weight.data(), bias.data(), 1e-2F, y.data(), x.size());
  });
}

TEST(ElementwiseKernels, GeluWithTheErrorFunction) {
  for (const std::size_t n : kSizes) {
    for (const float spread : {0.01F, 1.0F, 8.0F, 400.0F}) {
      const Values x = normal_values(n, spread, 9);
      for (const KernelSet& set : usable_kernel_sets()) {
        Values y = x;
        set.elementwise->gelu(y.data(), n);
        for (std::size_t i = 0; i < n; ++i) {
          const double wanted = 0.5 * double{x[i]} * std::erfc(-double{x[i]} / std::sqrt(2.0));
          ASSERT_NEAR(y[i], wanted, 3e-7 * std::fabs(double{x[i]})) << set.name << " at " << x[i];
        }
      }
    }
  }
}

TEST(ElementwiseKernels, Add) {
  compare(3.0F, 0.0, [](const ElementwiseKernels& k, Values& x, Values& y) {
    k.add(x.data(), y.data(), x.size());
  });
}

TEST(ElementwiseKernels, Gates) {
  for (const float spread : {0.01F, 1.0F, 8.0F, 40.0F}) {
    compare(spread, 1e-6, [](const ElementwiseKernels& k, Values& x, Values& y) {
      k.gate_silu(x.data(), y.data(), x.size());
    });
    // Behind the knee GELU is the small difference of two large numbers: bounded by the gate's own
    // size.
    compare(spread, 2e-5, [](const ElementwiseKernels& k, Values& x, Values& y) {
      k.gate_gelu(x.data(), y.data(), x.size());
    });
  }
}

TEST(ElementwiseKernels, GatesEndInZeroAndIdentity) {
  for (const KernelSet& set : usable_kernel_sets()) {
    for (const auto gate : {set.elementwise->gate_silu, set.elementwise->gate_gelu}) {
      float x[4] = {-1e4F, -200.0F, 200.0F, 1e4F};
      const float up[4] = {1, 1, 1, 1};
      gate(x, up, 4);
      EXPECT_NEAR(x[0], 0.0F, 1e-30F) << set.name;
      EXPECT_NEAR(x[1], 0.0F, 1e-30F) << set.name;
      EXPECT_EQ(x[2], 200.0F) << set.name;
      EXPECT_EQ(x[3], 1e4F) << set.name;
    }
  }
}

TEST(ElementwiseKernels, Rotate) {
  compare(1.0F, 2e-4, [](const ElementwiseKernels& k, Values& x, Values& y) {
    Values cosine(x.size());
    Values sine(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      cosine[i] = std::cos(static_cast<float>(i));
      sine[i] = std::sin(static_cast<float>(i));
    }
    k.rotate(x.data(), y.data(), cosine.data(), sine.data(), x.size());
  });
}

TEST(ElementwiseKernels, LogSumExpAndArgmax) {
  for (const std::size_t n : kSizes) {
    for (const float spread : {0.0F, 1.0F, 30.0F}) {
      Values x = normal_values(n, spread, 5);
      x[n / 2] = x[n - 1];  // a tie, perhaps of the largest
      for (const KernelSet& set : usable_kernel_sets()) {
        EXPECT_NEAR(set.elementwise->log_sum_exp(x.data(), n),
                    reference::kElementwise.log_sum_exp(x.data(), n),
                    3e-7)
            << set.name << " of " << n;
        EXPECT_EQ(set.elementwise->argmax(x.data(), n), reference::kElementwise.argmax(x.data(), n))
            << set.name;
      }
    }
  }
}

/// Whole ones, and parts across runs of 1 to 128 columns.
std::vector<Hadamard> some_transforms() {
  std::vector<Hadamard> out;
  for (const std::size_t n :
       {1U, 2U, 4U, 8U, 12U, 16U, 20U, 24U, 32U, 64U, 96U, 128U, 576U, 1536U, 4864U}) {
    out.push_back(*exact_hadamard(n));
    for (const std::size_t run : {4U, 8U, 16U, 128U}) {
      if (n % run == 0) {
        out.push_back(hadamard_across(n, run));
      }
    }
  }
  return out;
}

TEST(HadamardKernels, AgreeWithThePlainLoopsAndWithOneAnother) {
  for (const Hadamard& h : some_transforms()) {
    const std::size_t n = h.n;
    const Values x = normal_values(n, 2.0F, 7);
    Values wanted = x;
    reference::kHadamard.transform(h, wanted.data());
    const double norm = std::sqrt(static_cast<double>(n)) * 2.0;
    Values first;
    for (const KernelSet& set : usable_kernel_sets()) {
      Values y = x;
      set.hadamard->transform(h, y.data());
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_NEAR(y[i], wanted[i], 1e-6 * norm)
            << set.name << " " << i << " of " << n << ", runs of " << h.run;
      }
      if (set.name == "generic") {
        continue;  // in float64
      }
      first = first.empty() ? y : first;
      EXPECT_EQ(y, first) << set.name << " of " << n;
    }
  }
}

struct Shape {
  std::size_t n_queries, n_heads, head_dim, first_position, page_tokens, window;
  float softcap;
};

constexpr Shape kShapes[] = {{1, 1, 64, 0, 64, 0, 0.0F},
                             {1, 3, 64, 200, 64, 0, 0.0F},
                             {32, 3, 64, 96, 64, 0, 0.0F},
                             {7, 2, 80, 33, 16, 0, 0.0F},
                             {5, 7, 128, 64, 64, 0, 0.0F},
                             {9, 1, 256, 70, 64, 20, 0.0F},
                             {3, 4, 33, 10, 7, 0, 30.0F},
                             {40, 8, 16, 5, 64, 1, 0.0F},
                             {2, 1, 1, 3, 2, 0, 0.0F},
                             {64, 4, 96, 130, 64, 64, 5.0F},
                             {1, 2, 512, 65, 64, 0, 0.0F}};

struct AttentionProblem {
  Values q, keys, values, out;
  std::vector<std::uint16_t> half_keys, half_values;
  std::vector<KvPage> pages;
};

AttentionProblem make_attention(const Shape& shape, bool halves) {
  AttentionProblem p;
  const std::size_t n_positions = shape.first_position + shape.n_queries;
  const std::size_t n_pages = (n_positions + shape.page_tokens - 1) / shape.page_tokens;
  const std::size_t page = 2 * shape.page_tokens * shape.head_dim;  // room for two key/value heads
  p.q = normal_values(shape.n_queries * shape.n_heads * shape.head_dim, 1.0F, 1);
  p.out.assign(p.q.size(), -1e30F);
  p.keys = normal_values(n_pages * page, 1.0F, 2);
  p.values = normal_values(n_pages * page, 1.0F, 3);
  p.half_keys.resize(p.keys.size());
  p.half_values.resize(p.values.size());
  std::ranges::transform(p.keys, p.half_keys.begin(), f32_to_f16);
  std::ranges::transform(p.values, p.half_values.begin(), f32_to_f16);
  for (std::size_t i = 0; i < n_pages; ++i) {
    p.pages.push_back(halves
                          ? KvPage{p.half_keys.data() + i * page, p.half_values.data() + i * page}
                          : KvPage{p.keys.data() + i * page, p.values.data() + i * page});
  }
  return p;
}

Values attend(const AttentionKernels& kernels, const Shape& shape, bool halves, bool is_causal) {
  AttentionProblem p = make_attention(shape, halves);
  AttentionTask task;
  task.q = p.q.data();
  task.out = p.out.data();
  task.q_stride = task.out_stride = shape.n_heads * shape.head_dim;
  task.n_queries = shape.n_queries;
  task.n_heads = shape.n_heads;
  task.head_dim = shape.head_dim;
  task.first_position = shape.first_position;
  task.is_causal = is_causal;
  task.pages = p.pages.data();
  task.page_tokens = shape.page_tokens;
  task.kv_offset = shape.page_tokens * shape.head_dim;  // the second head
  task.scale = 1.0F / std::sqrt(static_cast<float>(shape.head_dim));
  task.softcap = shape.softcap;
  task.window = shape.window;
  (halves ? kernels.f16 : kernels.f32)(task);
  return p.out;
}

void expect_plain_attention(const Shape& shape, bool halves, bool is_causal) {
  const Values wanted = attend(reference::kAttention, shape, halves, is_causal);
  for (const KernelSet& set : usable_kernel_sets()) {
    const Values out = attend(*set.attention, shape, halves, is_causal);
    for (std::size_t i = 0; i < out.size(); ++i) {
      ASSERT_NEAR(out[i], wanted[i], 3e-6)
          << set.name << ", halves " << halves << ", causal " << is_causal << ", "
          << shape.n_queries << " queries, " << shape.n_heads << " heads of " << shape.head_dim
          << ", element " << i;
    }
  }
}

TEST(AttentionKernels, AgreeWithThePlainLoops) {
  for (const Shape& shape : kShapes) {
    for (const bool halves : {false, true}) {
      expect_plain_attention(shape, halves, true);
      expect_plain_attention(shape, halves, false);
    }
  }
}

/// All queries stand where the only one of a causal task stands.
TEST(AttentionKernels, QueriesOfOnePositionSeeTheSameKeys) {
  const Shape one = {1, 2, 32, 90, 64, 0, 0.0F};
  Shape three = one;
  three.n_queries = 3;
  for (const KernelSet& set : usable_kernel_sets()) {
    const Values alone = attend(*set.attention, one, false, true);
    const Values together = attend(*set.attention, three, false, false);
    EXPECT_TRUE(std::ranges::equal(alone, std::span(together).first(alone.size()))) << set.name;
  }
}

TEST(AttentionKernels, ConvertToHalves) {
  for (const std::size_t n : kSizes) {
    const Values x = normal_values(n, 100.0F, 4);
    std::vector<std::uint16_t> wanted(n);
    reference::kAttention.to_f16(x.data(), wanted.data(), n);
    for (const KernelSet& set : usable_kernel_sets()) {
      std::vector<std::uint16_t> y(n + 1, 0xABCD);
      set.attention->to_f16(x.data(), y.data(), n);
      EXPECT_EQ(y[n], 0xABCD) << set.name << " writes past the end";
      y.pop_back();
      EXPECT_EQ(y, wanted) << set.name;
    }
  }
}

}  // namespace
}  // namespace nibble::kernels
