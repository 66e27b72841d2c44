#include "quant/solve/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/check.h"
#include "io/gguf/importance_file.h"
#include "model/config.h"
#include "model/weights/weight_names.h"
#include "quant/recipe.h"
#include "quant/solve/gguf/block_weights.h"
#include "quant/solve/gguf/blocks.h"
#include "quant/solve/parallel_for.h"

namespace nibble::quant {
namespace {

struct EncoderRow {
  std::string_view codec;
  void (*encode)(const BlockInput& in, std::uint8_t* block);
};

constexpr std::array kEncoders = {
    EncoderRow{"q4_0", &encode_q4_0},
    EncoderRow{"q4_1", &encode_q4_1},
    EncoderRow{"q5_0", &encode_q5_0},
    EncoderRow{"q5_1", &encode_q5_1},
    EncoderRow{"q8_0", &encode_q8_0},
    EncoderRow{"q2_k", &encode_q2_k},
    EncoderRow{"q3_k", &encode_q3_k},
    EncoderRow{"q4_k", &encode_q4_k},
    EncoderRow{"q5_k", &encode_q5_k},
    EncoderRow{"q6_k", &encode_q6_k},
    EncoderRow{"iq4_nl", &encode_iq4_nl},
    EncoderRow{"iq4_xs", &encode_iq4_xs},
};

const EncoderRow* find_encoder(std::string_view codec) {
  const auto found = std::ranges::find(kEncoders, codec, &EncoderRow::codec);
  return found == kEncoders.end() ? nullptr : &*found;
}

void encode_row(std::span<const float> x,
                std::span<const float> importance,
                const EncoderRow& encoder,
                codec::BlockSize size,
                std::uint8_t* out) {
  const float mean_square =
      importance.empty() ? 0.0F : sum_of_squares(x) / static_cast<float>(x.size());
  for (std::size_t c = 0; c < x.size(); c += size.weights) {
    BlockInput in{x.subspan(c, size.weights), {}, mean_square};
    if (!importance.empty()) {
      in.importance = importance.subspan(c, size.weights);
    }
    encoder.encode(in, out);
    out += size.bytes;
  }
}

/// Where the importance of a weight's inputs comes from.
struct Importance {
  std::string setting = "none";
  std::shared_ptr<const io::ImportanceFile> file;  ///< when the setting is a path

  [[nodiscard]] bool is_calibrated() const { return setting == "mean_square"; }
};

class Gguf final : public Solver {
 public:
  explicit Gguf(Importance importance) : importance_(std::move(importance)) {}

  std::vector<std::pair<std::string, std::string>> settings() const override {
    std::vector<std::pair<std::string, std::string>> out = {
        {"importance", toml_text(importance_.setting)}};
    if (importance_.file != nullptr) {
      out.emplace_back("importance_sha256", toml_text(importance_.file->hash()));
    }
    return out;
  }

  Needs needs() const override { return {.mean_square = importance_.is_calibrated()}; }

  Result<void> check(const codec::Codec& codec) const override {
    if (find_encoder(codec.name()) != nullptr) {
      return {};
    }
    return fail(ErrorCode::kUnsupported,
                "method 'gguf' cannot write codec '{}'; it writes the block types of GGUF, such as "
                "q4_k",
                codec.name());
  }

  Solved solve(const SolveInput& input,
               const std::shared_ptr<const codec::Codec>& codec,
               ThreadPool& pool) const override {
    auto blocks = std::dynamic_pointer_cast<const codec::BlockCodec>(codec);
    NIBBLE_CHECK(blocks != nullptr, "gguf: solve without check");
    const auto importance = importance_of(input);
    Solved out{encode_gguf(input.weight, importance, blocks, pool), {}};
    if (importance_.file != nullptr && importance.empty()) {
      out.facts.push_back({"not_in_importance_file", 1});
    }
    return out;
  }

 private:
  [[nodiscard]] std::span<const float> importance_of(const SolveInput& input) const {
    if (importance_.is_calibrated()) {
      return input.mean_square;
    }
    if (importance_.file == nullptr) {
      return {};
    }
    // Names of linear layers, embeddings and heads are the same in every family.
    const auto name = model::gguf_name(model::ModelConfig{}, input.name);
    const auto found = name ? importance_.file->find(*name) : std::span<const float>();
    if (!found.empty() && found.size() != input.weight.cols) {
      raise(ErrorCode::kShapeMismatch,
            "{}: {} inputs, {} numbers in the importance matrix; it is another model's",
            input.name,
            input.weight.cols,
            found.size());
    }
    return found;
  }

  Importance importance_;
};

Importance read_importance(TomlTable& stage) {
  Importance out;
  out.setting = stage.optional<std::string>("importance").value_or("none");
  const auto wanted = stage.optional<std::string>("importance_sha256");
  if (out.setting == "none" || out.setting == "mean_square") {
    return out;
  }
  if (!out.setting.ends_with(".gguf") && !out.setting.ends_with(".dat")) {
    stage.reject("importance",
                 fmt::format("'{}' is not known, expected \"none\", \"mean_square\" or a file that "
                             "ends in .gguf or .dat",
                             out.setting));
  }
  out.file =
      std::make_shared<const io::ImportanceFile>(io::ImportanceFile::open(out.setting).take());
  if (wanted && *wanted != out.file->hash()) {
    stage.reject("importance_sha256",
                 fmt::format("{} has the SHA-256 {}", out.setting, out.file->hash()));
  }
  return out;
}

}  // namespace

codec::EncodedMatrix encode_gguf(MatrixView<const float> w,
                                 std::span<const float> importance,
                                 const std::shared_ptr<const codec::BlockCodec>& codec,
                                 ThreadPool& pool) {
  const EncoderRow* encoder = find_encoder(codec->name());
  NIBBLE_CHECK(encoder != nullptr, "encode_gguf: a codec without encoder");
  NIBBLE_CHECK(w.cols % codec->block().weights == 0, "encode_gguf: blocks that cross rows");
  NIBBLE_CHECK(importance.empty() || importance.size() == w.cols, "encode_gguf: importance");
  const std::size_t row_bytes = codec->row_bytes(w.cols);
  Tensor blocks = Tensor::make(DType::kU8, {w.rows, row_bytes});
  std::uint8_t* out = blocks.mutable_as<std::uint8_t>().data();
  parallel_for(pool, w.rows, 4, [&](std::size_t r) {
    encode_row(w.row_span(r), importance, *encoder, codec->block(), out + r * row_bytes);
  });
  return codec::block_matrix(codec, w.rows, w.cols, std::move(blocks));
}

std::unique_ptr<Solver> make_gguf(TomlTable& stage) {
  return std::make_unique<Gguf>(read_importance(stage));
}

}  // namespace nibble::quant
