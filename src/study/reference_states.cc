#include "study/reference_states.h"

#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "io/checkpoint.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

/// The file's floats, or nothing where it is not there or not of this size.
std::optional<std::vector<float>> read_floats(const fs::path& path, std::size_t n) {
  std::error_code absent;
  if (fs::file_size(path, absent) != n * sizeof(float) || absent) {
    return std::nullopt;
  }
  const std::string bytes = read_text_file(path).take();
  if (bytes.size() != n * sizeof(float)) {
    return std::nullopt;
  }
  std::vector<float> values(n);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

ReferenceStates::ReferenceStates(Source source, ThreadPool& pool)
    : source_(std::move(source)), pool_(pool) {
  const auto checkpoint = io::open_checkpoint(source_.model).take();
  const model::ModelConfig config = model::read_config(*checkpoint).take();
  hidden_ = config.hidden;
  vocab_ = config.vocab;
}

void ReferenceStates::release() noexcept {
  own_.reset();
  head_.reset();
}

fs::path ReferenceStates::file_of(std::span<const std::int32_t> tokens,
                                  std::size_t first_row) const {
  Sha256 hash;
  hash.field(source_.key);
  hash.field(arithmetic_name(source_.arithmetic));
  hash.field(std::to_string(first_row));
  const auto bytes = std::as_bytes(tokens);
  hash.field(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  return source_.folder / (hash.hex() + ".f32");
}

model::LanguageModel& ReferenceStates::model() {
  if (model_ != nullptr) {
    return *model_;
  }
  if (!own_) {
    const auto checkpoint = io::open_checkpoint(source_.model).take();
    const model::ModelConfig config = model::read_config(*checkpoint).take();
    own_ = model::build_model(*checkpoint, config, source_.arithmetic, pool_, silent_progress());
  }
  return *own_;
}

void ReferenceStates::write(const fs::path& path, std::span<const float> states) const {
  std::error_code error;
  fs::create_directories(source_.folder, error);
  if (error) {
    raise(ErrorCode::kIo,
          "{}: cannot create the folder: {}",
          source_.folder.string(),
          error.message());
  }
  auto file = AtomicFile::create(path).take();
  file.write(std::as_bytes(states)).take();
  file.commit().take();
}

std::vector<float> ReferenceStates::states(std::span<const std::int32_t> tokens,
                                           std::size_t first_row) {
  const fs::path path = file_of(tokens, first_row);
  if (auto known = read_floats(path, (tokens.size() - first_row) * hidden_)) {
    return std::move(*known);
  }
  std::vector<float> states = eval::final_states(model(), tokens, first_row, source_.batch_tokens);
  write(path, states);
  return states;
}

void ReferenceStates::head(MatrixView<const float> states, MatrixView<float> logits) {
  if (model_ != nullptr) {
    model_->head(states, logits);
    return;
  }
  if (!head_) {
    head_ = model::load_output_head(source_.model, source_.arithmetic, pool_);
  }
  head_->apply(states, logits);
}

std::size_t ReferenceStates::vocab() const noexcept {
  return vocab_;
}

}  // namespace nibble::study
