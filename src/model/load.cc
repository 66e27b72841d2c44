#include "model/load.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "model/architectures.h"
#include "model/companions.h"
#include "model/device/load.h"
#include "model/memory.h"
#include "model/weights.h"
#include "model/weights/packed_weights.h"
#include "text/tokenizer_files.h"
#include "text/tokenizer_spec.h"

namespace nibble::model {
namespace {

/// Tokens whose keys and values must fit beside the weights.
constexpr std::size_t kPlannedTokens = 2048;

/// Bytes of a linear layer once it is packed for the kernels; an estimate from above.
std::size_t packed_bytes(const codec::EncodedMatrix& matrix, Arithmetic arithmetic) {
  const std::size_t n = matrix.rows * matrix.cols;
  if (arithmetic == Arithmetic::kF32) {
    return n * sizeof(float);
  }
  const auto grid = matrix.codec->grid(matrix);
  if (!grid) {
    return n * sizeof(std::uint16_t);
  }
  const std::size_t n_groups = matrix.rows * ceil_div(matrix.cols, grid->group);
  constexpr std::size_t kScaleAndOffset = 4;
  return n * (grid->bits <= 6 ? grid->bits : 8) / 8 + n_groups * kScaleAndOffset;
}

bool runs_as_linear(const WeightInfo& weight, const ModelConfig& config) {
  return weight.role == WeightRole::kLinear || weight.role == WeightRole::kHead ||
         (weight.role == WeightRole::kEmbedding && config.tied_embeddings);
}

/// The chat template of a folder: a file of its own, or a key of tokenizer_config.json. One of
/// several named templates is the one called "default".
Result<std::string> folder_chat_template(const io::Checkpoint& checkpoint) {
  if (auto file = checkpoint.companion(kChatTemplateFile)) {
    return file;
  }
  const auto text = checkpoint.companion("tokenizer_config.json");
  if (!text) {
    return std::string();
  }
  const auto config = parse_json(*text, (checkpoint.path() / "tokenizer_config.json").string());
  if (!config) {
    return config.failure();
  }
  const Json value = config->is_object() ? config->value("chat_template", Json()) : Json();
  if (value.is_string()) {
    return value.get<std::string>();
  }
  for (const Json& entry : value) {
    if (entry.is_object() && entry.value("name", Json()) == "default" &&
        entry.value("template", Json()).is_string()) {
      return entry.at("template").get<std::string>();
    }
  }
  return std::string();
}

LoadedModel load(const std::filesystem::path& path,
                 const LoadOptions& options,
                 ThreadPool& pool,
                 ProgressSink& progress) {
  const auto checkpoint = io::open_checkpoint(path).take();
  const ModelConfig config = read_config(*checkpoint).take();
  LoadedModel out;
  out.weight_types = describe_weights(*checkpoint, config).take();
  out.tokenizer = load_tokenizer(*checkpoint).take();
  check_vocabulary(*out.tokenizer, config, path).take();
  out.chat_template = read_chat_template(*checkpoint).take();
  out.file_bytes = checkpoint->file_bytes();
  KvSetup kv = read_kv_setup(*checkpoint, config, options.arithmetic, options.kv).take();
  if (options.with_hash) {
    // First, so that the file's pages are not resident beside the packed weights.
    out.hash = checkpoint->hash();
    checkpoint->release_pages();
  }
  out.model =
      options.device == "cpu"
          ? build_model(
                *checkpoint, config, options.arithmetic, pool, progress, options.keep_packed)
          : build_device_model(*checkpoint,
                               config,
                               options.arithmetic,
                               {options.device, options.device_memory},
                               pool,
                               progress);
  out.model->set_kv(std::move(kv));
  return out;
}

}  // namespace

Result<std::size_t> memory_needed(const io::Checkpoint& checkpoint,
                                  const ModelConfig& config,
                                  Arithmetic arithmetic) {
  std::size_t n_bytes = 0;
  for (const WeightInfo& weight : list_weights(config)) {
    if (!runs_as_linear(weight, config)) {
      continue;  // vectors are small; an embedding that is only looked up stays in the file
    }
    const auto matrix = find_weight(checkpoint, config, weight.name);
    if (!matrix) {
      return matrix.failure().within(checkpoint.path().string());
    }
    n_bytes += packed_bytes(*matrix, arithmetic);
  }
  const DType kv = arithmetic == Arithmetic::kF32 ? DType::kF32 : DType::kF16;
  const std::size_t n_tokens = std::min(config.context, kPlannedTokens);
  return n_bytes + n_tokens * KvCache::bytes_per_token(config, kv);
}

Result<std::string> describe_weights(const io::Checkpoint& checkpoint, const ModelConfig& config) {
  std::vector<std::pair<std::string, std::size_t>> counts;
  const std::vector<WeightInfo> weights = list_weights(config);
  for (const WeightRole role : {WeightRole::kLinear,
                                WeightRole::kEmbedding,
                                WeightRole::kHead,
                                WeightRole::kBias,
                                WeightRole::kNorm}) {
    for (const WeightInfo& weight : weights) {
      if (weight.role != role) {
        continue;
      }
      const auto matrix = find_weight(checkpoint, config, weight.name);
      if (!matrix) {
        return matrix.failure().within(checkpoint.path().string());
      }
      const std::string codec = matrix->codec->name();
      const auto found =
          std::ranges::find(counts, codec, &std::pair<std::string, std::size_t>::first);
      if (found == counts.end()) {
        counts.emplace_back(codec, 1);
      } else {
        ++found->second;
      }
    }
  }
  std::vector<std::string> words;
  std::ranges::transform(counts, std::back_inserter(words), [](const auto& count) {
    return fmt::format("{} x {}", count.second, count.first);
  });
  return fmt::format("{}", fmt::join(words, ", "));
}

Result<std::string> read_chat_template(const io::Checkpoint& checkpoint) {
  if (checkpoint.container() != io::Container::kGguf) {
    return folder_chat_template(checkpoint);
  }
  const auto found = checkpoint.metadata().find("tokenizer.chat_template");
  return found != checkpoint.metadata().end() && found->is_string() ? found->get<std::string>()
                                                                    : std::string();
}

Result<std::unique_ptr<text::Tokenizer>> load_tokenizer(const io::Checkpoint& checkpoint) {
  const std::string where = checkpoint.path().string();
  if (checkpoint.container() != io::Container::kGguf) {
    return text::make_tokenizer_from_companions(
        [&](std::string_view name) { return checkpoint.companion(name); }, where);
  }
  auto spec = text::spec_from_gguf_metadata(checkpoint.metadata());
  if (!spec) {
    return spec.failure().within(where);
  }
  auto tokenizer = text::make_tokenizer(std::move(*spec));
  if (!tokenizer) {
    return tokenizer.failure().within(where);
  }
  return tokenizer;
}

Result<void> check_vocabulary(const text::Tokenizer& tokenizer,
                              const ModelConfig& config,
                              const std::filesystem::path& path) {
  if (tokenizer.vocab_size() <= config.vocab) {
    return {};
  }
  return fail(ErrorCode::kShapeMismatch,
              "{}: the tokenizer has {} tokens, the embedding {} rows",
              path.string(),
              tokenizer.vocab_size(),
              config.vocab);
}

std::unique_ptr<LanguageModel> build_model(const io::Checkpoint& checkpoint,
                                           const ModelConfig& config,
                                           Arithmetic arithmetic,
                                           ThreadPool& pool,
                                           ProgressSink& progress,
                                           bool keep_packed) {
  require_memory(checkpoint.path().string(),
                 memory_needed(checkpoint, config, arithmetic).take(),
                 available_memory())
      .take();
  const Architecture* family = find_architecture(config.architecture);
  NIBBLE_CHECK(family != nullptr, "a configuration of an unknown architecture");
  progress.begin("load", config.n_layers);
  std::optional<PackedWeights> packed;
  if (keep_packed) {
    packed.emplace(checkpoint, arithmetic);
  }
  const WeightLoader weights(
      checkpoint, config, arithmetic, pool, progress, packed ? &*packed : nullptr);
  auto model = family->build(config, weights);
  progress.end();
  if (packed) {
    packed->finish(progress);
  }
  return model;
}

Result<LoadedModel> load_model(const std::filesystem::path& path,
                               const LoadOptions& options,
                               ThreadPool& pool,
                               ProgressSink& progress) {
  try {
    return load(path, options, pool, progress);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) {
      throw;
    }
    return error.failure();
  }
}

}  // namespace nibble::model
