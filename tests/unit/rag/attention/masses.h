/// Masses of a model that never ran, for hand-worked tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "model/attention_mass.h"

namespace nibble::rag::testing {

/// The first layer has a window where one is given.
inline model::ModelConfig mass_config(std::size_t n_layers,
                                      std::size_t n_heads,
                                      std::size_t window_of_first = 0) {
  model::ModelConfig config;
  config.n_layers = n_layers;
  config.n_heads = config.n_kv_heads = n_heads;
  config.head_dim = 2;
  if (window_of_first > 0) {
    config.sliding_window = window_of_first;
    config.sliding_layers.assign(n_layers, 0);
    config.sliding_layers[0] = 1;
  }
  return config;
}

/// Sets one row's masses, [layers, heads, spans].
inline void fill(model::AttentionMass& mass, std::size_t row, const std::vector<float>& values) {
  ASSERT_EQ(values.size(), mass.row_size());
  std::ranges::copy(values, mass.values(row));
  mass.set_measured(row);
}

}  // namespace nibble::rag::testing
