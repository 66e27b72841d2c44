/// The first wrong answers of every variant, question by question: what is asked stands once, and
/// below it who answered what.
///
/// Questions that the reference got right come first, then in the order of the task. Tasks share
/// a budget (page/budget.h); where it is not enough, the last questions of a task are left out and
/// counted, with the file beside the page that has all these answers.
///
/// Source     our own
#pragma once

#include <cstddef>
#include <string>

#include "report/data.h"
#include "report/table.h"

namespace nibble::report {

/// Different wrong answers shown of a question, and variants named for one.
inline constexpr std::size_t kMaxAnswers = 24, kMaxNames = 24;

std::string examples_html(const Data& data);
/// The same answers, all of them, a row each: "wrong-answers". Written as CSV alone.
Table wrong_answer_table(const Data& data);

}  // namespace nibble::report
