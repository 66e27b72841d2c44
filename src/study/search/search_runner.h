/// The runner over retrievers: makes an index of a set's passages, and searches it. Models go to
/// the runner behind it.
///
/// An index lies in `folder`/<first 16 digits of its variant's id>.rag; it may be deleted, and is
/// made again when needed. Questions are searched for one by one, as users ask.
///
///   facts          model_hash   of the encoder
///                  memory_bytes encoder and index; file_bytes  vectors and neighbours on disk
///                  bits_per_weight  of the index a passage
///                  cost         of embedding and linking the passages
///   measurements   encoder_memory, index_memory (bytes), search (ms, a repetition a question)
///
/// Threads    one call at a time
/// Errors     those of rag/answer/set_search.h and of the runner behind
/// Source     our own
#pragma once

#include <filesystem>
#include <memory>

#include "base/thread_pool.h"
#include "rag/answer/set_search.h"
#include "study/variant_runner.h"

namespace nibble::study {

class SearchRunner final : public VariantRunner {
 public:
  /// All references must outlive the runner.
  SearchRunner(VariantRunner& models, std::filesystem::path folder, ThreadPool& pool)
      : models_(models), folder_(std::move(folder)), pool_(pool) {}

  store::VariantFacts open(const PlannedVariant& variant, ProgressSink& making) override;
  std::vector<store::MeasurementRecord> measure(const profile::Options& options) override;
  std::vector<eval::SampleResult> answer(const eval::Task& task,
                                         std::span<const eval::Sample> samples) override;
  void close() override;

 private:
  VariantRunner& models_;
  std::filesystem::path folder_;
  ThreadPool& pool_;
  std::shared_ptr<const StudySearch> of_;  ///< the open one; nullptr: a model is open, or nothing
  std::unique_ptr<rag::SetSearch> search_;
};

}  // namespace nibble::study
