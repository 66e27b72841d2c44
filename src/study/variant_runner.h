/// What a study asks of a model, so that the study can be tested without one.
///
/// Errors     an implementation throws; kUnsupported, kShapeMismatch, kOutOfMemory, kCorruptData
/// and kNotFound of one
///            variant do not end the study, everything else does
/// Source     our own
#pragma once

#include <span>
#include <vector>

#include "base/progress.h"
#include "eval/task.h"
#include "profile/measure.h"
#include "study/plan.h"

namespace nibble::study {

class VariantRunner {
 public:
  virtual ~VariantRunner() = default;

  /// Makes the variant's files where they are absent, which `making` follows, and loads it. One
  /// variant is open at a time.
  virtual store::VariantFacts open(const PlannedVariant& variant, ProgressSink& making) = 0;
  /// Speed and memory since `open`.
  virtual std::vector<store::MeasurementRecord> measure(const profile::Options& options) = 0;
  /// Results in the order of the samples.
  virtual std::vector<eval::SampleResult> answer(const eval::Task& task,
                                                 std::span<const eval::Sample> samples) = 0;
  virtual void close() = 0;
};

}  // namespace nibble::study
