// What a request is answered depends on the request alone: not on the batch, the order, what others
// have in common with it, or the number of threads. Every bit of every log-probability counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

#include "conformance/isa.h"
#include "eval/scorer.h"
#include "model/generate.h"
#include "model/load.h"
#include "support/files.h"
#include "unit/model/tiny_model.h"

namespace nibble::eval {
namespace {

using model::testing::TinyCopy;
using text::TokenId;

struct Way {
  std::size_t batch_tokens;
  std::size_t batch_sequences;
  bool share_prefixes;
  std::uint32_t order;  ///< seed of the shuffle; 0: as they come
  std::size_t threads;
};

std::string text_of(const Way& way) {
  return fmt::format("{} tokens and {} sequences a batch, sharing {}, order {}, {} threads",
                     way.batch_tokens,
                     way.batch_sequences,
                     way.share_prefixes,
                     way.order,
                     way.threads);
}

constexpr Way kOneByOne{4096, 1, false, 0, 1};

std::vector<Way> all_ways() {
  std::vector<Way> ways;
  for (const std::uint32_t n : {1U, 2U, 8U, 32U}) {
    for (const bool share : {false, true}) {
      ways.push_back({n, 0, share, n, 1});
      ways.push_back({512, n, share, n + 1, 2});
    }
  }
  return ways;
}

std::vector<TokenId> random_tokens(std::size_t n, std::size_t vocab, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<TokenId> out(n);
  std::ranges::generate(out, [&] { return static_cast<TokenId>(1 + random() % (vocab - 1)); });
  return out;
}

std::vector<TokenId> joined(std::vector<TokenId> a, std::span<const TokenId> b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<std::size_t> shuffled(std::size_t n, std::uint32_t seed) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (seed != 0) {
    std::ranges::shuffle(order, std::mt19937(seed));
  }
  return order;
}

/// Questions, each with choices of 1 to 7 tokens, one of them the beginning of another. The first
/// `beginning` tokens of every other question are the same, and end inside a tile of keys.
std::vector<ScoredInput> inputs_for(std::size_t vocab, std::size_t beginning, std::size_t n) {
  const std::vector<TokenId> common = random_tokens(beginning, vocab, 1);
  std::vector<ScoredInput> inputs;
  for (std::uint32_t q = 0; q < n; ++q) {
    const auto own = random_tokens(3 + 17 * q % 90, vocab, 100 + q);
    const auto context = q % 2 == 0 ? joined(common, own) : own;
    const auto choice = random_tokens(7, vocab, 200 + q);
    for (const std::size_t length : {1U, 4U, 7U}) {
      ScoredInput input;
      input.tokens = joined(context, std::span(choice).first(length - 1));
      input.targets.assign(choice.begin(), choice.begin() + static_cast<std::ptrdiff_t>(length));
      input.first_row = context.size() - 1;
      inputs.push_back(std::move(input));
    }
  }
  return inputs;
}

/// One model, loaded once for each number of threads.
class Models {
 public:
  Models(const std::filesystem::path& path, Arithmetic arithmetic) {
    for (std::size_t i = 0; i < 2; ++i) {
      loaded_[i] =
          model::load_model(path, {arithmetic, false}, pools_[i], silent_progress()).take();
    }
  }
  model::LoadedModel& with_threads(std::size_t n) { return loaded_[n - 1]; }

 private:
  ThreadPool pools_[2] = {ThreadPool(1), ThreadPool(2)};
  model::LoadedModel loaded_[2];
};

/// Log-probabilities of the inputs, in their own order; negative zero marks nothing.
std::vector<double> score(Models& models, std::span<const ScoredInput> inputs, const Way& way) {
  const std::vector<std::size_t> order = shuffled(inputs.size(), way.order);
  std::vector<ScoredInput> asked;
  for (const std::size_t i : order) {
    asked.push_back(inputs[i]);
  }
  std::vector<double> out(inputs.size());
  ScorerCounters counters;
  score_inputs(*models.with_threads(way.threads).model,
               asked,
               {.batch_tokens = way.batch_tokens,
                .batch_sequences = way.batch_sequences,
                .share_prefixes = way.share_prefixes},
               counters,
               [&](std::size_t i, const InputScore& one) { out[order[i]] = one.logprob; });
  return out;
}

void expect_same_scores(Models& models,
                        std::span<const ScoredInput> inputs,
                        std::span<const Way> ways) {
  const std::vector<double> wanted = score(models, inputs, kOneByOne);
  for (const Way& way : ways) {
    const std::vector<double> found = score(models, inputs, way);
    EXPECT_EQ(std::memcmp(found.data(), wanted.data(), wanted.size() * sizeof(double)), 0)
        << text_of(way);
  }
}

std::vector<std::vector<TokenId>> generate(Models& models,
                                           std::span<const model::GenerateRequest> requests,
                                           const Way& way) {
  const std::vector<std::size_t> order = shuffled(requests.size(), way.order);
  std::vector<model::GenerateRequest> asked;
  for (const std::size_t i : order) {
    asked.push_back(requests[i]);
  }
  model::GenerateListener nobody;
  model::LoadedModel& loaded = models.with_threads(way.threads);
  const auto made = model::generate(*loaded.model,
                                    *loaded.tokenizer,
                                    asked,
                                    {.batch_tokens = way.batch_tokens,
                                     .max_running = std::max<std::size_t>(way.batch_sequences, 1),
                                     .share_prefixes = way.share_prefixes},
                                    nobody);
  std::vector<std::vector<TokenId>> out(requests.size());
  for (std::size_t i = 0; i < made.size(); ++i) {
    out[order[i]] = made[i].tokens;
  }
  return out;
}

void expect_same_answers(Models& models, std::size_t vocab, std::span<const Way> ways) {
  const auto common = random_tokens(37, vocab, 1);
  std::vector<model::GenerateRequest> requests;
  for (std::uint32_t i = 0; i < 12; ++i) {
    const auto own = random_tokens(2 + 5 * i, vocab, 300 + i);
    requests.push_back({i % 2 == 0 ? joined(common, own) : own, 3 + i, {}, true});
  }
  const auto wanted = generate(models, requests, kOneByOne);
  for (const Way& way : ways) {
    EXPECT_EQ(generate(models, requests, way), wanted) << text_of(way);
  }
}

/// What each prompt's last token and its answer's tokens look at.
std::vector<model::AttentionMass> measure(Models& models,
                                          std::span<const model::GenerateRequest> requests,
                                          const Way& way) {
  std::vector<model::AttentionMass> masses;
  std::vector<model::GenerateRequest> asked(requests.begin(), requests.end());
  const model::ModelConfig& config = models.with_threads(way.threads).model->config();
  for (const model::GenerateRequest& request : asked) {
    const std::size_t last = request.prompt.size() - 1;
    masses.emplace_back(config, model::AttentionProbe{{}, {{0, 4}, {4, 37}, {40, 1000}}, last});
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    asked[i].attention = &masses[i];
  }
  generate(models, asked, way);
  return masses;
}

void expect_same_masses(Models& models, std::size_t vocab, std::span<const Way> ways) {
  const auto common = random_tokens(37, vocab, 1);
  std::vector<model::GenerateRequest> requests;
  for (std::uint32_t i = 0; i < 6; ++i) {
    const auto own = random_tokens(2 + 13 * i, vocab, 300 + i);
    requests.push_back({i % 2 == 0 ? joined(common, own) : own, 3 + i, {}, true});
  }
  const auto wanted = measure(models, requests, kOneByOne);
  for (const Way& way : ways) {
    const auto found = measure(models, requests, way);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      ASSERT_TRUE(found[i].is_complete());
      ASSERT_EQ(found[i].n_rows(), wanted[i].n_rows());
      for (std::size_t row = 0; row < found[i].n_rows(); ++row) {
        const auto a = found[i].of_row(row);
        EXPECT_EQ(std::memcmp(a.data(), wanted[i].of_row(row).data(), a.size_bytes()), 0)
            << text_of(way) << ", request " << i << ", row " << row;
      }
    }
  }
}

class RequestCompany : public ::testing::TestWithParam<std::tuple<const char*, Arithmetic>> {};

TEST_P(RequestCompany, ChangesNothing) {
  NIBBLE_NEEDS_ISA();
  const auto& [family, arithmetic] = GetParam();
  const TinyCopy folder(family);
  Models models(folder.path(), arithmetic);
  const std::size_t vocab = models.with_threads(1).model->config().vocab;
  const std::vector<Way> ways = all_ways();
  const std::size_t n_questions = kernels::kernels().name == "generic" ? 5 : 12;
  for (const std::size_t beginning : {37U, 70U}) {
    expect_same_scores(models, inputs_for(vocab, beginning, n_questions), ways);
  }
  expect_same_answers(models, vocab, ways);
  expect_same_masses(models, vocab, ways);
}

INSTANTIATE_TEST_SUITE_P(
    Families,
    RequestCompany,
    ::testing::Combine(
        ::testing::Values("llama3-scaled", "mistral-window", "qwen2", "qwen3", "gemma3"),
        ::testing::Values(Arithmetic::kF32, Arithmetic::kDeterministic)),
    [](const auto& test) {
      std::string name =
          fmt::format("{}_{}", std::get<0>(test.param), arithmetic_name(std::get<1>(test.param)));
      std::ranges::replace(name, '-', '_');
      return name;
    });

/// Integer codes with offsets, an int8 head, 49,152 tokens. The plain loops are slow: they get
/// less.
TEST(RequestCompanyOfTheDemoModel, ChangesNothing) {
  NIBBLE_NEEDS_ISA();
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  Models models(path, Arithmetic::kDeterministic);
  const std::size_t vocab = models.with_threads(1).model->config().vocab;
  if (kernels::kernels().name == "generic") {
    const Way ways[] = {{2, 0, true, 1, 2}, {512, 8, true, 2, 1}};
    expect_same_scores(models, inputs_for(vocab, 5, 1), ways);
    return;
  }
  const Way ways[] = {{1, 0, true, 1, 1},
                      {2, 0, false, 2, 2},
                      {8, 0, true, 3, 2},
                      {32, 0, true, 4, 1},
                      {512, 2, false, 5, 2},
                      {512, 8, true, 6, 1},
                      {512, 32, true, 7, 2},
                      {512, 0, false, 8, 1}};
  expect_same_scores(models, inputs_for(vocab, 37, 5), ways);
}

}  // namespace
}  // namespace nibble::eval
