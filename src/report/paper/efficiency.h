/// Tables 1 to 10 of the paper: latency, memory, throughput, batches, energy.
///
/// Each takes its number: the odd one with all variants, the even one with GPTQ's calibrations.
///
/// Source     the paper's section 4.1; what it leaves open is in docs/paper.md
#pragma once

#include "report/paper/rows.h"

namespace nibble::report {

Table paper_latency(const Data& data, const PaperRows& rows, int number);
Table paper_memory(const Data& data, const PaperRows& rows, int number);
Table paper_throughput(const Data& data, const PaperRows& rows, int number);
Table paper_batches(const Data& data, const PaperRows& rows, int number);
Table paper_energy(const Data& data, const PaperRows& rows, int number);

}  // namespace nibble::report
