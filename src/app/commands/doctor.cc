// nibble doctor: what this machine can do, which kernels use it, and what stands in the way.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/command.h"
#include "base/json.h"
#include "kernels/cuda/device.h"
#include "kernels/select.h"
#include "model/memory.h"
#include "profile/hardware.h"
#include "profile/host.h"
#include "profile/limits.h"
#include "profile/profiler.h"

namespace nibble::app {
namespace {

/// A GPU by the name that --device takes.
struct FoundGpu {
  std::string device;
  kernels::CudaDevice facts;
  std::optional<std::size_t> free_memory;
};

std::vector<FoundGpu> find_gpus() {
  std::vector<FoundGpu> out;
  for (kernels::CudaDevice& facts : kernels::list_cuda_devices()) {
    const auto index = static_cast<int>(out.size());
    out.push_back({fmt::format("cuda:{}", index), facts, kernels::cuda_free_bytes(index)});
  }
  return out;
}

struct Diagnosis {
  profile::Host host;
  std::vector<FoundGpu> gpus;
  std::optional<std::size_t> free_memory;
  std::vector<profile::Limit> limits;  ///< empty when they were not asked for
  std::vector<std::string> advice;
  std::string sensors;                     ///< of energy, or why there are none
  std::vector<profile::Hardware> nominal;  ///< what the table has of this processor and its GPUs
};

std::vector<std::string> advise(const profile::Host& host) {
  constexpr double kQuiet = 0.5;
  std::vector<std::string> out;
  const kernels::KernelSet& best = kernels::usable_kernel_sets().back();
  if (kernels::kernels().name != best.name) {
    out.push_back(fmt::format("NIBBLE_ISA forces the {} kernels; {} would be faster",
                              kernels::kernels().name,
                              best.name));
  }
  if (host.load && *host.load > kQuiet) {
    out.push_back(fmt::format(
        "load average {:.2f}: other work disturbs timings; quality is not affected", *host.load));
  }
  if (host.huge_pages == "never") {
    out.push_back(
        "transparent huge pages are off: decoding reads weights through 4 KiB pages; set "
        "/sys/kernel/mm/transparent_hugepage/enabled to madvise");
  }
  if (host.governor == "powersave") {
    out.push_back("the frequency governor is powersave: timings depend on what ran before");
  }
  return out;
}

/// Rows of the table of hardware by the names that the devices give themselves.
std::vector<profile::Hardware> nominal_rows(const Diagnosis& found) {
  std::vector<std::string> names{found.host.processor};
  for (const FoundGpu& gpu : found.gpus) {
    names.push_back(gpu.facts.name);
  }
  const auto table = profile::builtin_hardware();
  std::vector<profile::Hardware> out;
  for (const std::string& name : names) {
    if (auto row = profile::find_hardware(table, name)) {
      out.push_back(std::move(*row));
    }
  }
  return out;
}

std::string rate(const std::optional<double>& value, std::string_view unit) {
  return value ? fmt::format(", {} {}", *value, unit) : "";
}

std::string nominal_text(const profile::Hardware& row) {
  return fmt::format("nominal     {}{}{}{}{}{} ({})\n",
                     row.name,
                     rate(row.fp16_tflops, "TFLOP/s fp16"),
                     rate(row.int8_tops, "TOP/s int8"),
                     rate(row.fp32_tflops, "TFLOP/s fp32"),
                     rate(row.bandwidth_gb_s, "GB/s"),
                     rate(row.power_w, "W"),
                     row.source);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string gibibytes(const std::optional<std::size_t>& bytes) {
  return bytes ? fmt::format("{:.1f} GiB", static_cast<double>(*bytes) / (1ULL << 30U)) : "unknown";
}

std::string kernel_names() {
  std::string names;
  for (const kernels::KernelSet& set : kernels::usable_kernel_sets()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", set.name);
  }
  return names;
}

std::string limit_table(const std::vector<profile::Limit>& limits) {
  std::string out = fmt::format("\n{:<24} {:<36} {:>7} {:>9} {:>9} {:>9}\n",
                                "limit",
                                "by",
                                "threads",
                                "min",
                                "median",
                                "max");
  for (const profile::Limit& limit : limits) {
    const auto [least, most] = std::ranges::minmax(limit.values);
    out += fmt::format("{:<24} {:<36} {:>7} {:>9.1f} {:>9.1f} {:>9.1f} {}\n",
                       limit.name,
                       limit.instruction,
                       limit.n_threads,
                       least,
                       median(limit.values),
                       most,
                       limit.unit);
  }
  return out;
}

std::string to_text(const Diagnosis& found) {
  const profile::Host& host = found.host;
  const auto or_unknown = [](const std::string& value) {
    return value.empty() ? "unknown" : value;
  };
  std::string out = fmt::format(
      "processor   {}, {} usable\nsystem      {}\nmemory      {}, {} free\nhuge pages  {}\n"
      "governor    {}\nkernels     {} (this processor runs {})\nCUDA        {}\n",
      host.processor,
      host.n_processors,
      host.system,
      gibibytes(host.total_memory),
      gibibytes(found.free_memory),
      or_unknown(host.huge_pages),
      or_unknown(host.governor),
      kernels::kernels().name,
      kernel_names(),
      kernels::cuda_status());
  for (const FoundGpu& gpu : found.gpus) {
    out += fmt::format("  {:<9} {}, sm {}.{}, {}, {} free\n",
                       gpu.device,
                       gpu.facts.name,
                       gpu.facts.compute_major,
                       gpu.facts.compute_minor,
                       gibibytes(gpu.facts.memory_bytes),
                       gibibytes(gpu.free_memory));
  }
  out += fmt::format("energy      {}\n", found.sensors);
  for (const profile::Hardware& row : found.nominal) {
    out += nominal_text(row);
  }
  if (!found.limits.empty()) {
    out += limit_table(found.limits);
  }
  for (const std::string& line : found.advice) {
    out += "\nnote: " + line;
  }
  return found.advice.empty() ? out : out + "\n";
}

Json to_json(const Diagnosis& found) {
  Json limits = Json::array();
  for (const profile::Limit& limit : found.limits) {
    limits.push_back({{"name", limit.name},
                      {"instruction", limit.instruction},
                      {"unit", limit.unit},
                      {"threads", limit.n_threads},
                      {"median", median(limit.values)},
                      {"values", limit.values}});
  }
  Json nominal = Json::array();
  for (const profile::Hardware& row : found.nominal) {
    nominal.push_back({{"name", row.name},
                       {"fp16_tflops", or_null(row.fp16_tflops)},
                       {"int8_tops", or_null(row.int8_tops)},
                       {"fp32_tflops", or_null(row.fp32_tflops)},
                       {"bandwidth_gb_s", or_null(row.bandwidth_gb_s)},
                       {"power_w", or_null(row.power_w)},
                       {"source", row.source}});
  }
  Json gpus = Json::array();
  for (const FoundGpu& gpu : found.gpus) {
    gpus.push_back({{"device", gpu.device},
                    {"name", gpu.facts.name},
                    {"compute_capability",
                     fmt::format("{}.{}", gpu.facts.compute_major, gpu.facts.compute_minor)},
                    {"memory_bytes", gpu.facts.memory_bytes},
                    {"free_memory_bytes", or_null(gpu.free_memory)}});
  }
  Json usable = Json::array();
  for (const kernels::KernelSet& set : kernels::usable_kernel_sets()) {
    usable.push_back(set.name);
  }
  return {{"processor", found.host.processor},
          {"processors", found.host.n_processors},
          {"system", found.host.system},
          {"memory_bytes", or_null(found.host.total_memory)},
          {"free_memory_bytes", or_null(found.free_memory)},
          {"load", or_null(found.host.load)},
          {"huge_pages", found.host.huge_pages},
          {"governor", found.host.governor},
          {"kernels", kernels::kernels().name},
          {"usable_kernels", usable},
          {"cuda", kernels::cuda_status()},
          {"cuda_devices", gpus},
          {"energy_sensors", found.sensors},
          {"nominal", nominal},
          {"limits", limits},
          {"notes", found.advice}};
}

int run_doctor(bool measure, const Globals& globals) {
  Diagnosis found;
  found.host = profile::read_host();
  found.free_memory = model::available_memory();
  found.gpus = find_gpus();
  found.advice = advise(found.host);
  found.sensors = profile::describe_sensors("cpu");
  found.nominal = nominal_rows(found);
  if (measure) {
    ThreadPool pool(globals.threads);
    found.limits = profile::measure_limits(kernels::kernels(), pool);
  }
  print_out(globals.json ? dump_json(to_json(found)) + "\n" : to_text(found));
  return 0;
}

}  // namespace

void add_doctor(CLI::App& root, Invocation& invocation) {
  auto skip = std::make_shared<bool>(false);
  CLI::App* command = root.add_subcommand(
      "doctor", "Measure this machine's limits and say what stands in the way of them");
  command->add_flag("--no-limits", *skip, "Facts only; measuring takes about two seconds");
  command->callback([skip, &invocation] {
    invocation.run = [skip, &invocation] { return run_doctor(!*skip, invocation.globals); };
  });
}

}  // namespace nibble::app
