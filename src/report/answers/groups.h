/// Which tasks of a study ask over documents, and which of them belong together: those that a
/// [[rag]] table made.
///
/// Tasks of a group ask the same questions of one set in one way and differ in the most tokens that
/// a prompt may have, and in the position of the right document.
///
/// Units      tasks are numbers into the tasks given
/// Source     our own; study/answer_tasks.h makes such tasks
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/records.h"

namespace nibble::report {

using TaskNumbers = std::vector<std::size_t>;
using Tasks = std::span<const store::TaskRecord>;

/// Groups in the order of the study, and so the tasks of each.
std::vector<TaskNumbers> answer_groups(Tasks tasks);
/// "squad", "nq retrieved", "nq of 10"
std::string group_name(Tasks tasks, const TaskNumbers& group);

/// Those of a group that differ in length alone, by length; the first such where there are several
/// families of the most lengths. Tasks without a length, or without an F1, are none.
TaskNumbers tasks_by_length(Tasks tasks, const TaskNumbers& group);
/// Likewise by position of the right document.
TaskNumbers tasks_by_position(Tasks tasks, const TaskNumbers& group);

/// Of all groups the one with the most lengths or positions; the first of equal ones.
TaskNumbers most_lengths(Tasks tasks);
TaskNumbers most_positions(Tasks tasks);

bool measures_attention(const store::TaskRecord& task);
/// The first task that does.
std::optional<std::size_t> first_attention_task(Tasks tasks);

}  // namespace nibble::report
