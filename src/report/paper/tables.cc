#include "report/paper/tables.h"

#include <array>

#include "report/paper/efficiency.h"
#include "report/paper/quality.h"

namespace nibble::report {
namespace {

using MakeTable = Table (*)(const Data& data, const PaperRows& rows, int number);

/// Odd numbers from 1 on.
constexpr std::array<MakeTable, 8> kTables{&paper_latency,
                                           &paper_memory,
                                           &paper_throughput,
                                           &paper_batches,
                                           &paper_energy,
                                           &paper_perplexity,
                                           &paper_reasoning,
                                           &paper_knowledge};

}  // namespace

std::vector<Table> paper_tables(const Data& data) {
  std::vector<Table> out;
  if (data.variants.empty()) {
    return out;
  }
  const PaperRows methods = method_rows(data);
  const PaperRows calibrations = calibration_rows(data);
  int number = 1;
  for (const MakeTable make : kTables) {
    out.push_back(make(data, methods, number));
    if (calibrations.variants.size() > 1) {
      out.push_back(make(data, calibrations, number + 1));
    }
    number += 2;
  }
  return out;
}

}  // namespace nibble::report
