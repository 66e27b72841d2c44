/// Tables 17 to 20 and 23 to 26 of the paper: reading comprehension, attention to the documents,
/// F1 by length of the prompt, attention while an answer is generated.
///
/// Each takes its number: the odd one with all variants, the even one with GPTQ's calibrations.
/// What needs every sample (slopes, medians, correlations: tables 21, 22, 27, 28) is not made.
///
/// Source     the paper's sections 4.2.4 and 4.3; definitions: docs/guide/attention.md
#pragma once

#include "report/paper/rows.h"

namespace nibble::report {

Table paper_comprehension(const Data& data, const PaperRows& rows, int number);
Table paper_attention(const Data& data, const PaperRows& rows, int number);
Table paper_lengths(const Data& data, const PaperRows& rows, int number);
Table paper_drift(const Data& data, const PaperRows& rows, int number);

}  // namespace nibble::report
