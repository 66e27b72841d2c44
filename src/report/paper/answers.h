/// Tables 17, 18 and 21 to 24 of the paper: reading comprehension, what the length of the prompt
/// does, and F1 by length.
///
/// Each takes its number: the odd one with all variants, the even one with GPTQ's calibrations.
///
/// Source     the paper's sections 4.2.4 and 4.3; definitions: docs/guide/attention.md
#pragma once

#include "report/paper/rows.h"

namespace nibble::report {

Table paper_comprehension(const Data& data, const PaperRows& rows, int number);
Table paper_degradation(const Data& data, const PaperRows& rows, int number);
Table paper_lengths(const Data& data, const PaperRows& rows, int number);

}  // namespace nibble::report
