/// Tables 19, 20 and 25 to 28 of the paper: attention to the relevant documents, its drift while an
/// answer is generated, and how both go together with the quality of answers. All are of the first
/// task that measures attention.
///
/// Each takes its number: the odd one with all variants, the even one with GPTQ's calibrations.
///
/// Source     the paper's section 4.3, which does not define its measures: docs/guide/attention.md
#pragma once

#include "report/paper/rows.h"

namespace nibble::report {

Table paper_attention(const Data& data, const PaperRows& rows, int number);
Table paper_drift(const Data& data, const PaperRows& rows, int number);
Table paper_attention_quality(const Data& data, const PaperRows& rows, int number);

}  // namespace nibble::report
