#include "study/search/search_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <system_error>

#include "base/cancel.h"
#include "base/error.h"
#include "profile/peak_memory.h"
#include "rag/answer/search_task.h"
#include "study/model_runner.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

/// Questions whose searches are timed.
constexpr std::size_t kTimedQuestions = 200;
constexpr double kMillisecondsPerSecond = 1000;
constexpr double kBitsPerByte = 8;

double cpu_seconds_until_now() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

void make_index_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    raise(ErrorCode::kIo, "{}: cannot create the folder: {}", folder.string(), error.message());
  }
}

store::MeasurementRecord bytes_record(std::string name, std::optional<std::size_t> bytes) {
  return {std::move(name),
          "bytes",
          0,
          bytes ? std::optional(static_cast<double>(*bytes)) : std::nullopt,
          bytes ? "" : "no encoder"};
}

double milliseconds_of(rag::SetSearch& search, const std::string& question, std::size_t k) {
  const auto start = std::chrono::steady_clock::now();
  search.find(question, k);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  return spent.count() * kMillisecondsPerSecond;
}

}  // namespace

store::VariantFacts SearchRunner::open(const PlannedVariant& variant, ProgressSink& making) {
  close();
  if (variant.search == nullptr) {
    return models_.open(variant, making);
  }
  make_index_folder(folder_);
  const fs::path file = variant_folder(folder_, variant.record.id).concat(".rag");
  making.note(fmt::format("{}: index {}", variant.record.name, file.string()));
  const bool peak_is_ours = profile::reset_peak_memory();
  const double cpu_seconds = cpu_seconds_until_now();
  of_ = variant.search;
  search_ = std::make_unique<rag::SetSearch>(*of_->set, of_->settings, file, pool_, making);
  if (search_->build().n_cut > 0) {
    making.note(fmt::format("{}: {} passages are longer than the encoder takes",
                            variant.record.name,
                            search_->build().n_cut));
  }
  std::optional<store::QuantizeCost> cost;
  if (const auto seconds = search_->build_seconds()) {
    cost = store::QuantizeCost{*seconds,
                               cpu_seconds_until_now() - cpu_seconds,
                               peak_is_ours ? profile::peak_memory_bytes() : std::nullopt};
  }
  const double index_bits = kBitsPerByte * static_cast<double>(search_->index_bytes());
  return {of_->encoder_hash,
          search_->stored_bytes(),
          search_->index_bytes() + search_->encoder_bytes().value_or(0),
          index_bits / static_cast<double>(of_->set->passages.size()),
          of_->settings.weights.codec,
          cost};
}

std::vector<store::MeasurementRecord> SearchRunner::measure(const profile::Options& options) {
  if (search_ == nullptr) {
    return models_.measure(options);
  }
  std::vector<store::MeasurementRecord> out = {
      bytes_record("encoder_memory", search_->encoder_bytes()),
      bytes_record("index_memory", search_->index_bytes())};
  const eval::Task& task = *of_->searches.at(0).task;
  const std::size_t k = rag::passages_wanted(task.info());
  milliseconds_of(*search_, task.sample(0).prompt, k);  // the first one warms up
  for (std::size_t i = 0; i < std::min(kTimedQuestions, task.n_samples()); ++i) {
    cancel_flag().check();
    out.push_back({"search", "ms", i, milliseconds_of(*search_, task.sample(i).prompt, k), ""});
  }
  return out;
}

std::vector<eval::SampleResult> SearchRunner::answer(const eval::Task& task,
                                                     std::span<const eval::Sample> samples) {
  if (search_ == nullptr) {
    return models_.answer(task, samples);
  }
  std::vector<eval::SampleResult> out;
  for (const eval::Sample& sample : samples) {
    cancel_flag().check();
    const auto found = search_->find(sample.prompt, rag::passages_wanted(task.info()));
    const eval::Response response = eval::GenerationResponse{rag::found_text(found)};
    out.push_back(task.score(sample, {&response, 1}));
  }
  return out;
}

void SearchRunner::close() {
  search_.reset();
  of_.reset();
  models_.close();
}

}  // namespace nibble::study
