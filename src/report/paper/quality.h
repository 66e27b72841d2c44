/// Tables 11 to 16 of the paper: perplexity, reasoning, knowledge and mathematics.
///
/// Each takes its number: the odd one with all variants, the even one with GPTQ's calibrations.
///
/// Source     the paper's section 4.2; which task stands for which column is in docs/paper.md
#pragma once

#include "report/paper/rows.h"

namespace nibble::report {

Table paper_perplexity(const Data& data, const PaperRows& rows, int number);
Table paper_reasoning(const Data& data, const PaperRows& rows, int number);
Table paper_knowledge(const Data& data, const PaperRows& rows, int number);

}  // namespace nibble::report
