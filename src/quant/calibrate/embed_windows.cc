#include "quant/calibrate/embed_windows.h"

#include "model/weights.h"

namespace nibble::quant {

BlockTokens embed_windows(const io::Checkpoint& checkpoint,
                          const model::ModelConfig& config,
                          const CalibrationWindows& windows) {
  const auto embedding = model::load_weight(checkpoint, config, "model.embed_tokens.weight").take();
  const std::size_t width = config.hidden;
  std::vector<float> hidden(windows.ids.size() * width);
  for (std::size_t row = 0; row < windows.ids.size(); ++row) {
    const auto token = static_cast<std::size_t>(windows.ids[row]);
    embedding.codec->decode_rows(embedding, token, 1, &hidden[row * width]);
  }
  for (float& x : hidden) {
    x *= config.embedding_scale;
  }
  return {std::move(hidden), width, windows.window};
}

}  // namespace nibble::quant
