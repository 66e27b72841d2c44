/// What a study says of answers over documents beyond the means of its tasks.
///
/// Source     our own
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "report/answers/effects.h"
#include "report/answers/groups.h"
#include "report/answers/pictures.h"
#include "report/answers/views.h"
#include "report/known.h"

namespace nibble::report {

/// Of one variant.
struct AnswerEffects {
  Known<LengthEffect> length{};      ///< F1 over `Answers::length_tasks`
  Known<PositionChange> position{};  ///< F1 over `Answers::position_tasks`
  Known<AttentionQuality> attention{};
  Known<DriftQuality> drift{};  ///< both of `Answers::attention_task`
};

/// What the page shows of the tasks of one [[rag]] table.
struct AnswerGroup {
  std::string name{};
  TaskNumbers tasks{}, by_length{}, by_position{}, with_attention{};
  std::vector<Known<AttentionPictures>> pictures{};  ///< parallel to the variants
  std::vector<QuestionView> questions{};             ///< of the first task with attention
};

struct Answers {
  TaskNumbers length_tasks{}, position_tasks{};  ///< of the group that has the most of them
  std::optional<std::size_t> attention_task{};   ///< the first that measures it
  std::vector<AnswerEffects> variants{};         ///< parallel to the study's
  std::vector<AnswerGroup> groups{};             ///< in the order of the study
};

}  // namespace nibble::report
