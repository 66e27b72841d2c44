#include "kernels/reference/attention_coded.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "codec/kv/page_read.h"
#include "kernels/reference/attention_mass.h"
#include "tensor/half.h"

namespace nibble::kernels::reference {
namespace {

/// A token's float of the page, wherever the scheme keeps one.
float kept_float(const CodedKv& kv, const void* floats, std::size_t slot, std::size_t dim) {
  const std::size_t at = (kv.head * kv.float_tokens + slot) * kv.shape.head_dim + dim;
  return kv.has_halves ? f16_to_f32(static_cast<const std::uint16_t*>(floats)[at])
                       : static_cast<const float*>(floats)[at];
}

/// Keys or values of positions [0, n) as one token-by-token history: coded, and as floats.
class History {
 public:
  History(const AttentionTask& task, const CodedKv& kv, bool of_keys)
      : task_(task), kv_(kv), of_keys_(of_keys) {
    const std::size_t n = task.first_position + task.n_queries;
    coded_.resize(n * task.head_dim);
    for (std::size_t first = 0; first < n; first += codec::kKvPageTokens) {
      read_page(first, std::min(codec::kKvPageTokens, n - first));
    }
  }

  /// Of `position`, as the query at `query` sees it.
  [[nodiscard]] double at(std::size_t position, std::size_t dim, std::size_t query) const {
    const std::size_t end = of_keys_ ? query - query % std::max<std::size_t>(kv_.residual, 1)
                                     : query - std::min(query, kv_.residual);
    if (kv_.residual == 0 || position < end) {
      return double{coded_[position * task_.head_dim + dim]};
    }
    return double{kept_float(kv_,
                             half_of(kv_.floats[position / codec::kKvPageTokens]),
                             position % codec::kKvPageTokens,
                             dim)};
  }

 private:
  [[nodiscard]] const void* half_of(const KvPage& page) const {
    return of_keys_ ? page.keys : page.values;
  }

  void read_page(std::size_t first, std::size_t n) {
    const std::size_t page = first / codec::kKvPageTokens;
    float* const out = coded_.data() + first * task_.head_dim;
    codec::read_kv_block({of_keys_ ? kv_.keys : kv_.values,
                          kv_.shape,
                          static_cast<const std::uint8_t*>(half_of(task_.pages[page]))},
                         kv_.tables,
                         {kv_.head, 0, n},
                         out);
    for (std::size_t t = 0; t < n && first + t < kv_.n_sinks; ++t) {
      for (std::size_t d = 0; d < task_.head_dim; ++d) {
        out[t * task_.head_dim + d] = kept_float(kv_, half_of(kv_.floats[page]), t, d);
      }
    }
    if (of_keys_ && kv_.rotations != nullptr) {
      rotate(kv_.rotations[page], n, out);
    }
  }

  void rotate(const float* cosines, std::size_t n, float* rows) const {
    const std::size_t half = task_.head_dim / 2;
    for (std::size_t i = 0; i < half; ++i) {
      for (std::size_t t = 0; t < n; ++t) {
        float& a = rows[t * task_.head_dim + i];
        float& b = rows[t * task_.head_dim + half + i];
        const double cosine = cosines[i * codec::kKvPageTokens + t];
        const double sine = cosines[(half + i) * codec::kKvPageTokens + t];
        const double turned = double{a} * cosine - double{b} * sine;
        b = static_cast<float>(double{b} * cosine + double{a} * sine);
        a = static_cast<float>(turned);
      }
    }
  }

  const AttentionTask& task_;
  const CodedKv& kv_;
  bool of_keys_;
  std::vector<float> coded_;
};

double score(const AttentionTask& task,
             const History& keys,
             const float* q,
             std::size_t key,
             std::size_t query) {
  double dot = 0.0;
  for (std::size_t d = 0; d < task.head_dim; ++d) {
    dot += double{q[d]} * keys.at(key, d, query);
  }
  dot *= double{task.scale};
  const double cap = task.softcap;
  return cap == 0.0 ? dot : cap * std::tanh(dot / cap);
}

void attend(const AttentionTask& task,
            const History& keys,
            const History& values,
            std::size_t t,
            std::size_t h) {
  const std::size_t position = task.first_position + t;
  const float* const q = task.q + t * task.q_stride + h * task.head_dim;
  float* const out = task.out + t * task.out_stride + h * task.head_dim;
  const std::size_t first = first_visible(position, task.window);
  const std::vector<double> weights = weights_of(
      task, position, [&](std::size_t key) { return score(task, keys, q, key, position); });
  double total = 0.0;
  std::vector<double> sum(task.head_dim);
  for (std::size_t j = first; j <= position; ++j) {
    const double weight = weights[j - first];
    total += weight;
    for (std::size_t d = 0; d < task.head_dim; ++d) {
      sum[d] += weight * values.at(j, d, position);
    }
  }
  for (std::size_t d = 0; d < task.head_dim; ++d) {
    out[d] = static_cast<float>(sum[d] / total);
  }
}

}  // namespace

void attention_coded(const AttentionTask& task, const CodedKv& kv) noexcept {
  const History keys(task, kv, true);
  const History values(task, kv, false);
  for (std::size_t t = 0; t < task.n_queries; ++t) {
    for (std::size_t h = 0; h < task.n_heads; ++h) {
      attend(task, keys, values, t, h);
    }
  }
}

void sum_masses_coded(const AttentionTask& task,
                      const CodedKv& kv,
                      std::span<const KeySpan> spans) noexcept {
  const History keys(task, kv, true);
  share_queries(task, spans, [&](const float* q, std::size_t key, std::size_t position) {
    return score(task, keys, q, key, position);
  });
}

}  // namespace nibble::kernels::reference
