#include "profile/profiler.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "kernels/select.h"
#include "profile/energy/measure_energy.h"
#include "profile/energy/nvml.h"
#include "profile/flops.h"
#include "profile/limits.h"
#include "profile/peak_memory.h"
#include "profile/thermal.h"

namespace nibble::profile {
namespace {

void append(std::vector<Measurement>& out, std::vector<Measurement> more) {
  std::ranges::move(more, std::back_inserter(out));
}

Measurement known_or_not(std::string name,
                         std::string unit,
                         const std::optional<double>& value,
                         std::string_view what) {
  return value ? Measurement{std::move(name), std::move(unit), {*value}, ""}
               : Measurement{std::move(name),
                             std::move(unit),
                             {},
                             fmt::format("this machine does not tell {}", what)};
}

std::optional<double> as_double(const std::optional<std::size_t>& n) {
  return n ? std::optional(static_cast<double>(*n)) : std::nullopt;
}

std::vector<Measurement> thermal_rows(const Thermal& before, const Thermal& after) {
  std::optional<double> events = as_double(after.n_throttled);
  if (events && before.n_throttled) {
    *events = std::max(0.0, *events - static_cast<double>(*before.n_throttled));
  }
  return {known_or_not("clock_before", "MHz", before.clock_mhz, "its clock"),
          known_or_not("clock_after", "MHz", after.clock_mhz, "its clock"),
          known_or_not("temperature_before", "C", before.celsius, "its temperature"),
          known_or_not("temperature_after", "C", after.celsius, "its temperature"),
          known_or_not("throttled", "events", events, "whether it throttles")};
}

Measurement peak_row(bool peak_is_ours) {
  Measurement row{"peak_memory", "bytes", {}, ""};
  const auto bytes = peak_memory_bytes();
  if (!peak_is_ours) {
    row.reason = "not measured: the kernel does not lower the process's memory mark";
  } else if (!bytes) {
    row.reason = "not measured: the kernel keeps no memory mark";
  } else {
    row.values.push_back(static_cast<double>(*bytes));
  }
  return row;
}

/// Of a model that a device runs: what was taken of the device, and weights that stay outside it.
std::vector<Measurement> device_memory_rows(const model::LanguageModel& model) {
  const auto most = model.most_device_bytes();
  if (!most) {
    return {};
  }
  return {{"peak_device_memory", "bytes", {static_cast<double>(*most)}, ""},
          {"host_weights", "bytes", {static_cast<double>(model.host_weight_bytes())}, ""}};
}

/// Arithmetic and traffic by formula.
std::vector<Measurement> demand_rows(const Subject& subject, const Options& options) {
  const model::LanguageModel& model = *subject.loaded.model;
  const model::ModelConfig& config = model.config();
  const std::size_t middle = options.prompt_tokens + (options.new_tokens + 1) / 2;
  const auto kv_of = [&](std::size_t n_tokens) {
    return static_cast<double>(model.make_cache(0).bytes_for(n_tokens, n_tokens));
  };
  const double read = static_cast<double>(model.weight_bytes() - subject.embedding_bytes);
  return {{"prompt_tokens", "tokens", {static_cast<double>(options.prompt_tokens)}},
          {"generated_tokens", "tokens", {static_cast<double>(options.new_tokens + 1)}},
          {"prefill_flop", "FLOP", {prefill_flops(config, options.prompt_tokens)}},
          {"decode_flop", "FLOP/token", {token_flops(config, middle)}},
          {"decode_bytes", "bytes/token", {read + kv_of(middle)}},
          {"kv_bytes", "bytes", {kv_of(options.prompt_tokens + options.new_tokens)}}};
}

/// "peak_int8" of "int8 dot product".
std::string limit_name(const Limit& limit) {
  return limit.name == "memory read"
             ? "peak_read"
             : fmt::format("peak_{}", limit.name.substr(0, limit.name.find(' ')));
}

/// Of all threads together.
std::vector<Measurement> limit_rows(ThreadPool& pool) {
  std::vector<Measurement> out;
  for (const Limit& limit : measure_limits(kernels::kernels(), pool)) {
    if (limit.n_threads == pool.size()) {
      out.push_back({limit_name(limit), limit.unit, limit.values});
    }
  }
  return out;
}

Thermal thermal_of(const std::string& device, const std::filesystem::path& root) {
  const auto number = cuda_number(device);
  return number ? nvml_thermal(load_nvml(), *number) : read_thermal(root);
}

}  // namespace

/// What is set up once for all variants.
struct Profiler::Instruments {
  explicit Instruments(Sensors sensors) : meter(std::move(sensors)) {}
  EnergyMeter meter;
  Measurement idle;
  std::vector<Measurement> limits;
};

Profiler::Profiler(ThreadPool& pool, std::string device, std::filesystem::path root)
    : pool_(pool), device_(std::move(device)), root_(std::move(root)) {}

Profiler::~Profiler() = default;

void Profiler::set_up(const Options& options) {
  instruments_ = std::make_unique<Instruments>(find_sensors(device_, root_).sensors);
  const double rest = options.energy_seconds > 0 ? options.idle_seconds : 0;
  instruments_->idle = measure_idle(instruments_->meter, rest);
  if (options.limits) {
    instruments_->limits = limit_rows(pool_);
  }
}

std::vector<Measurement> Profiler::measure(const Subject& subject, const Options& options) {
  const Thermal before = thermal_of(device_, root_);
  std::vector<Measurement> out = measure_speed(subject.loaded, options);
  out.push_back(peak_row(subject.peak_is_ours));  // before anything else takes memory
  append(out, device_memory_rows(*subject.loaded.model));
  if (!instruments_) {
    set_up(options);
  }
  append(out, measure_lengths(subject.loaded, options));
  append(out, measure_batches(subject.loaded, options));
  append(out, measure_energy(subject.loaded, options, instruments_->meter, instruments_->idle));
  append(out, thermal_rows(before, thermal_of(device_, root_)));
  append(out, demand_rows(subject, options));
  out.push_back(instruments_->idle);
  append(out, instruments_->limits);
  return out;
}

std::string describe_sensors(const std::string& device, const std::filesystem::path& root) {
  SensorSearch search = find_sensors(device, root);
  const EnergyMeter meter(std::move(search.sensors));
  return meter.has_sensors() ? meter.describe()
                             : fmt::format("none: {}", fmt::join(search.absent, "; "));
}

}  // namespace nibble::profile
