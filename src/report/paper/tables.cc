#include "report/paper/tables.h"

#include <array>

#include "report/paper/answers.h"
#include "report/paper/attention.h"
#include "report/paper/efficiency.h"
#include "report/paper/quality.h"

namespace nibble::report {
namespace {

using MakeTable = Table (*)(const Data& data, const PaperRows& rows, int number);

struct PaperTable {
  int number;  ///< of the odd one
  MakeTable make;
};

constexpr std::array<PaperTable, 14> kTables{{{1, &paper_latency},
                                              {3, &paper_memory},
                                              {5, &paper_throughput},
                                              {7, &paper_batches},
                                              {9, &paper_energy},
                                              {11, &paper_perplexity},
                                              {13, &paper_reasoning},
                                              {15, &paper_knowledge},
                                              {17, &paper_comprehension},
                                              {19, &paper_attention},
                                              {21, &paper_degradation},
                                              {23, &paper_lengths},
                                              {25, &paper_drift},
                                              {27, &paper_attention_quality}}};

}  // namespace

std::vector<Table> paper_tables(const Data& data) {
  std::vector<Table> out;
  if (data.variants.empty()) {
    return out;
  }
  const PaperRows methods = method_rows(data);
  const PaperRows calibrations = calibration_rows(data);
  for (const auto& [number, make] : kTables) {
    out.push_back(make(data, methods, number));
    if (calibrations.variants.size() > 1) {
      out.push_back(make(data, calibrations, number + 1));
    }
  }
  return out;
}

}  // namespace nibble::report
