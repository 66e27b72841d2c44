/// The runner over real models: quantizes a variant into a folder, loads it, and puts questions to
/// it.
///
/// A variant lies in `folder`/<first 16 digits of its id>/, which appears only when it is complete,
/// and is used again when the study goes on.
///
/// Threads    one call at a time
/// Errors     those of quant, model, eval and profile; kMismatch where a variant's folder was
///            changed since it was first run
/// Source     our own
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "base/thread_pool.h"
#include "eval/engine.h"
#include "profile/profiler.h"
#include "quant/run.h"
#include "study/reference_states.h"
#include "study/variant_runner.h"

namespace nibble::study {

/// Where the files of the variant with this id lie.
std::filesystem::path variant_folder(const std::filesystem::path& folder, std::string_view id);

class ModelRunner final : public VariantRunner {
 public:
  struct Places {
    std::filesystem::path model;   ///< the source
    std::filesystem::path folder;  ///< of the variants
    std::filesystem::path data;    ///< of calibration text
    ReferenceStates::Source reference;
    std::string device{kHost};      ///< what runs the models, and makes them where it can
    std::size_t device_memory = 0;  ///< that a model may take; 0: what is free
  };
  /// `pool` must outlive the runner.
  ModelRunner(Places places, Arithmetic arithmetic, ThreadPool& pool);
  ~ModelRunner() override;

  store::VariantFacts open(const PlannedVariant& variant, ProgressSink& making) override;
  std::vector<store::MeasurementRecord> measure(const profile::Options& options) override;
  std::vector<eval::SampleResult> answer(const eval::Task& task,
                                         std::span<const eval::Sample> samples) override;
  void close() override;

 private:
  /// The variant's files, and what they cost where they were made just now.
  std::filesystem::path build(const PlannedVariant& variant,
                              ProgressSink& making,
                              std::optional<store::QuantizeCost>& cost);
  /// On the device where the recipe runs there and it has room and libraries, else on the host.
  quant::QuantizeReport quantize(const PlannedVariant& variant,
                                 const std::filesystem::path& folder,
                                 ProgressSink& making);
  void compare_with_reference(const std::filesystem::path& variant);

  Places places_;
  Arithmetic arithmetic_;
  ThreadPool& pool_;
  std::optional<model::LoadedModel> loaded_;
  std::unique_ptr<ReferenceStates> reference_;
  std::unique_ptr<eval::Engine> engine_;
  profile::Profiler profiler_;
  std::size_t embedding_bytes_ = 0;  ///< of the open variant, that a decoded token does not read
  bool peak_is_ours_ = false;        ///< the memory mark was lowered before loading
};

}  // namespace nibble::study
