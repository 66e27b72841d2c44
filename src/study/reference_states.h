/// The study's reference model for the tasks that compare with it, without keeping it in memory.
///
/// Final hidden states of each window are written to a file once, when the reference is judged;
/// other variants read them and need the reference's output head only. A window whose file is
/// absent is computed again by the reference model, which is loaded for it.
///
/// Layout     folder/<hash>.f32: float32 little-endian [rows, hidden]; the hash is of the
///            reference, the arithmetic and the window's tokens
/// Threads    one call at a time
/// Errors     those of loading a model; kIo
/// Source     our own
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "eval/divergence.h"
#include "model/load.h"
#include "model/output_head.h"

namespace nibble::study {

class ReferenceStates final : public eval::Reference {
 public:
  struct Source {
    std::filesystem::path model;   ///< of the reference
    std::filesystem::path folder;  ///< of the files; made when there is something to write
    std::string key;               ///< all that the states depend on besides the tokens
    Arithmetic arithmetic = Arithmetic::kDeterministic;
    std::size_t batch_tokens = 512;
  };
  /// `pool` must outlive the object.
  ReferenceStates(Source source, ThreadPool& pool);

  /// Uses this model for windows that have no file, until it is told otherwise (nullptr: loads its
  /// own).
  void use(model::LanguageModel* model) noexcept { model_ = model; }
  /// Frees what was loaded.
  void release() noexcept;

  std::vector<float> states(std::span<const std::int32_t> tokens, std::size_t first_row) override;
  void head(MatrixView<const float> states, MatrixView<float> logits) override;
  [[nodiscard]] std::size_t vocab() const noexcept override;

 private:
  [[nodiscard]] std::filesystem::path file_of(std::span<const std::int32_t> tokens,
                                              std::size_t first_row) const;
  model::LanguageModel& model();
  void write(const std::filesystem::path& path, std::span<const float> states) const;

  Source source_;
  ThreadPool& pool_;
  std::size_t hidden_ = 0;
  std::size_t vocab_ = 0;
  model::LanguageModel* model_ = nullptr;
  std::unique_ptr<model::LanguageModel> own_;
  std::unique_ptr<model::OutputHead> head_;
};

}  // namespace nibble::study
