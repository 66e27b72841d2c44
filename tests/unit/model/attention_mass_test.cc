#include "model/attention_mass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "support/files.h"
#include "support/golden_tensors.h"
#include "unit/model/kv_tables.h"
#include "unit/model/model_runs.h"
#include "unit/model/tiny_model.h"

namespace nibble::model {
namespace {

using nibble::testing::demo_model;
using nibble::testing::golden;
using nibble::testing::other_model;
using ::testing::ElementsAre;
using testing::TestModel;
using testing::tiny_folder;
using testing::Tokens;

Tokens prompt_of_length(std::size_t n, std::int32_t seed = 7) {
  Tokens out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = 3 + (seed * static_cast<std::int32_t>(i + 1) * 31) % 92;
  }
  return out;
}

/// Every key a span of its own.
std::vector<TokenSpan> single_keys(std::size_t n) {
  std::vector<TokenSpan> out;
  for (std::size_t i = 0; i < n; ++i) {
    out.push_back({i, i + 1});
  }
  return out;
}

void expect_golden_row(const std::filesystem::path& model_file,
                       const std::filesystem::path& json,
                       const std::filesystem::path& tensors) {
  TestModel model(model_file);
  const Json golden = parse_json(nibble::testing::read_file(json), json.string()).take();
  const auto ids = golden.at("prompts").at(3).at("ids").get<Tokens>();
  const auto expected = nibble::testing::GoldenTensors(tensors).at("prompt3.attention_last_row");
  const AttentionMass mass =
      measure_attention(model.model(), ids, {{ids.size() - 1}, single_keys(ids.size())});
  ASSERT_TRUE(mass.is_complete());
  ASSERT_EQ(expected.values.size(), mass.of_row(0).size());
  EXPECT_LE(testing::max_difference(mass.of_row(0), expected.values), 5e-5);
}

TEST(AttentionMass, SmolLm2HasTheLastRowOfTheReference) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_FILE(json, golden("engine/smollm2.json"));
  NIBBLE_NEEDS_FILE(tensors, golden("engine/smollm2.safetensors"));
  expect_golden_row(path, json, tensors);
}

TEST(AttentionMass, Gemma3HasTheLastRowOfTheReference) {
  NIBBLE_NEEDS_FILE(path, other_model("gemma-3-270m-q4_k_m.gguf"));
  NIBBLE_NEEDS_FILE(json, golden("engine/gemma3.json"));
  NIBBLE_NEEDS_FILE(tensors, golden("engine/gemma3.safetensors"));
  expect_golden_row(path, json, tensors);
}

/// Windows, soft limits, norms of queries and keys, grouped heads: all probabilities of a few rows
/// against an eager softmax (tests/golden/scripts/make_tiny_attention.py).
class EagerAttention : public ::testing::TestWithParam<const char*> {};

TEST_P(EagerAttention, IsWhatEveryHeadGivesToEveryKey) {
  const auto folder = tiny_folder(GetParam());
  const auto read = [&folder](const char* name) {
    return parse_json(nibble::testing::read_file(folder / name), name).take();
  };
  const Json golden = read("attention.json");
  const auto ids =
      read("golden.json").at("prompts").at(golden.at("prompt").get<std::size_t>()).at("ids");
  const auto tokens = ids.get<Tokens>();
  TestModel tiny(folder);
  const AttentionMass mass = measure_attention(
      tiny.model(),
      tokens,
      {golden.at("rows").get<std::vector<std::size_t>>(), single_keys(tokens.size())});
  for (std::size_t row = 0; row < mass.n_rows(); ++row) {
    for (std::size_t layer = 0; layer < mass.n_layers(); ++layer) {
      for (std::size_t head = 0; head < mass.n_heads(); ++head) {
        const auto wanted =
            golden.at("attention").at(row).at(layer).at(head).get<std::vector<double>>();
        for (std::size_t key = 0; key < tokens.size(); ++key) {
          ASSERT_NEAR(mass.at(layer, head, row, key), wanted[key], 1e-5)
              << "row " << row << " layer " << layer << " head " << head << " key " << key;
          if (mass.n_reachable(layer, row, key) == 0) {
            ASSERT_EQ(wanted[key], 0.0);
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models,
                         EagerAttention,
                         ::testing::Values("mistral-window", "qwen3", "gemma3"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

class MassOfEachFamily : public ::testing::TestWithParam<const char*> {
 protected:
  AttentionMass measure(const Tokens& tokens, AttentionProbe probe, std::size_t chunk = 512) {
    return measure_attention(tiny_.model(), tokens, std::move(probe), chunk);
  }
  static void expect_near(const AttentionMass& a, const AttentionMass& b, double tolerance) {
    ASSERT_EQ(a.n_rows(), b.n_rows());
    for (std::size_t row = 0; row < a.n_rows(); ++row) {
      EXPECT_LE(testing::max_difference(a.of_row(row), b.of_row(row)), tolerance) << row;
    }
  }

  TestModel tiny_{tiny_folder(GetParam())};
};

TEST_P(MassOfEachFamily, SpansThatCoverEverythingSumToOne) {
  const Tokens tokens = prompt_of_length(150);
  const AttentionMass mass =
      measure(tokens, {{0, 63, 64, 149}, {{0, 1}, {1, 60}, {60, 64}, {64, 1000}}});
  for (std::size_t layer = 0; layer < mass.n_layers(); ++layer) {
    for (std::size_t head = 0; head < mass.n_heads(); ++head) {
      for (std::size_t row = 0; row < mass.n_rows(); ++row) {
        EXPECT_NEAR(mass.outside(layer, head, row), 0.0, 1e-5);
      }
      EXPECT_EQ(mass.at(layer, head, 0, 0), 1.0F);  // the first token sees only itself
    }
  }
}

TEST_P(MassOfEachFamily, ASpanHasTheSumOfItsTokens) {
  const Tokens tokens = prompt_of_length(100);
  const AttentionMass keys = measure(tokens, {{70, 99}, single_keys(100)});
  const AttentionMass spans = measure(tokens, {{70, 99}, {{3, 64}, {64, 65}, {80, 100}}});
  for (std::size_t layer = 0; layer < keys.n_layers(); ++layer) {
    for (std::size_t head = 0; head < keys.n_heads(); ++head) {
      for (std::size_t row = 0; row < 2; ++row) {
        for (std::size_t span = 0; span < 3; ++span) {
          double sum = 0;
          for (std::size_t k = spans.spans()[span].begin; k < spans.spans()[span].end; ++k) {
            sum += static_cast<double>(keys.at(layer, head, row, k));
          }
          EXPECT_NEAR(spans.at(layer, head, row, span), sum, 2e-6);
        }
      }
    }
  }
}

TEST_P(MassOfEachFamily, PiecesAndDecodingGiveTheMassesOfTheWhole) {
  const Tokens tokens = prompt_of_length(150);
  const AttentionProbe probe{{5, 64, 130}, {{0, 4}, {10, 90}, {90, 140}}, 140};
  const AttentionMass whole = measure(tokens, probe);
  EXPECT_EQ(whole.n_rows(), 13U);
  for (const std::size_t chunk : {1U, 7U, 64U}) {
    expect_near(measure(tokens, probe, chunk), whole, 1e-5);
  }
}

TEST_P(MassOfEachFamily, LeavesLogitsAsTheyAreToTheBit) {
  const std::vector<Tokens> prompts = {
      prompt_of_length(70, 3), prompt_of_length(1, 5), prompt_of_length(33, 11)};
  const std::vector<std::uint32_t> wanted = {60, 69, 70, 103};
  const auto run = [&](std::span<AttentionMass* const> masses) {
    KvCache cache = tiny_.cache();
    std::vector<SequenceChunk> chunks;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      chunks.push_back({cache.create(), prompts[i], masses[i]});
    }
    return tiny_.run(cache, chunks, wanted).values;
  };
  const ModelConfig& config = tiny_.model().config();
  AttentionMass first(config, {{10, 11, 69}, {{0, 5}, {5, 70}}});
  AttentionMass last(config, {{0, 32}, {{0, 40}}});
  const auto plain = run(std::vector<AttentionMass*>{nullptr, nullptr, nullptr});
  const auto probed = run(std::vector<AttentionMass*>{&first, nullptr, &last});
  ASSERT_EQ(plain.size(), probed.size());
  EXPECT_EQ(std::memcmp(plain.data(), probed.data(), plain.size() * sizeof(float)), 0);
  expect_near(first, measure(prompts[0], {{10, 11, 69}, {{0, 5}, {5, 70}}}), 1e-5);
  expect_near(last, measure(prompts[2], {{0, 32}, {{0, 40}}}), 1e-5);
}

TEST_P(MassOfEachFamily, IsThatOfTheKeysAsTheyAreKept) {
  const Tokens tokens = prompt_of_length(200);
  // The last row's window of eight, where there is one, holds coded keys of every scheme.
  const AttentionProbe probe{{100, 130}, {{0, 8}, {8, 128}, {128, 1000}}};
  const ModelConfig& config = tiny_.model().config();
  const AttentionMass floats = measure(tokens, probe);
  for (const codec::KvScheme& scheme : codec::kv_schemes()) {
    if (!scheme.is_coded() || config.head_dim % 16 != 0) {
      continue;
    }
    KvSetup setup = kv_setup(scheme, Arithmetic::kF32);
    if (scheme.needs_tables()) {
      setup.tables = std::make_shared<KvTableList>(testing::flat_tables(config, scheme.keys.bits));
    }
    tiny_.model().set_kv(setup);
    const AttentionMass whole = measure(tokens, probe);
    expect_near(measure(tokens, probe, 33), whole, 1e-4);
    EXPECT_NEAR(whole.outside(0, 0, 1), 0.0, 1e-5) << scheme.name;
    const double moved = testing::max_difference(whole.of_row(1), floats.of_row(1));
    EXPECT_GT(moved, 0.0) << scheme.name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Families,
    MassOfEachFamily,
    ::testing::Values("llama3-scaled", "mistral-window", "qwen2", "qwen3", "gemma3"),
    [](const auto& test) {
      std::string name = test.param;
      std::ranges::replace(name, '-', '_');
      return name;
    });

ModelConfig windowed() {
  ModelConfig config;
  config.n_layers = 2;
  config.n_heads = config.n_kv_heads = config.head_dim = 2;
  config.sliding_window = 4;
  config.sliding_layers = {1, 0};
  return config;
}

TEST(AttentionMass, TellsWhatARowCanSee) {
  const AttentionMass mass(windowed(), {{2, 9}, {{0, 3}, {3, 8}, {8, 100}}});
  EXPECT_EQ(mass.n_reachable(1, 1, 0), 3U);
  EXPECT_EQ(mass.n_reachable(0, 1, 0), 0U);  // the window of row 9 begins at 6
  EXPECT_EQ(mass.n_reachable(0, 1, 1), 2U);
  EXPECT_EQ(mass.n_reachable(0, 1, 2), 2U);  // 8 and itself
  EXPECT_EQ(mass.n_reachable(0, 0, 0), 3U);
  EXPECT_EQ(mass.n_reachable(0, 0, 2), 0U);  // in the future
}

TEST(AttentionMass, IsNotANumberUntilItIsMeasured) {
  AttentionMass mass(windowed(), {{2}, {{0, 3}}, 5});
  EXPECT_TRUE(std::isnan(mass.at(0, 0, 0, 0)));
  EXPECT_TRUE(std::isnan(mass.outside(1, 1, 0)));
  EXPECT_FALSE(mass.is_complete());
}

TEST(AttentionMass, RowsAreThoseAskedForInOrder) {
  AttentionMass mass(windowed(), {{2, 4}, {{0, 3}}, 7});
  EXPECT_EQ(mass.next_asked(0), 2U);
  EXPECT_EQ(mass.next_asked(3), 4U);
  EXPECT_EQ(mass.next_asked(5), 7U);
  EXPECT_EQ(mass.next_asked(8), 8U);
  EXPECT_EQ(mass.open_row(9), 2U);
  *mass.values(2) = 0.5F;
  EXPECT_EQ(mass.open_row(7), 2U);
  EXPECT_EQ(mass.open_row(4), 1U);
  EXPECT_THAT(mass.rows(), ElementsAre(2, 4, 7, 9));
  EXPECT_EQ(mass.at(0, 0, 3, 0), 0.5F);
  EXPECT_EQ(mass.find_row(9), 3U);
  EXPECT_EQ(mass.find_row(8), std::nullopt);
}

TEST(AttentionMass, SaysWhatIsWrongWithAProbe) {
  const ModelConfig config = windowed();
  const auto refuses = [&](const AttentionProbe& probe) {
    try {
      const AttentionMass mass(config, probe);
      return false;
    } catch (const Error& error) {
      return error.code() == ErrorCode::kInvalidArgument;
    }
  };
  EXPECT_TRUE(refuses({{2, 2}, {{0, 1}}}));
  EXPECT_TRUE(refuses({{3, 2}, {{0, 1}}}));
  EXPECT_TRUE(refuses({{2, 8}, {{0, 1}}, 8}));
  EXPECT_TRUE(refuses({{2}, {}}));
  EXPECT_TRUE(refuses({{2}, {{0, 2}, {1, 3}}}));
  EXPECT_FALSE(refuses({{}, {{0, 0}}}));
}

}  // namespace
}  // namespace nibble::model
