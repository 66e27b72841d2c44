#include "report/answers/groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AnswerGroups : public ::testing::Test {
 protected:
  void add(store::ContextRecord context, const std::string& metric = "f1", std::size_t n = 40) {
    store::TaskRecord task{"", "", 1, "", "", n, {{metric, "fraction", true, "identity"}}};
    task.context = std::move(context);
    tasks_.push_back(std::move(task));
  }

  std::vector<store::TaskRecord> tasks_;
};

TEST_F(AnswerGroups, HoldWhatDiffersInLengthAndPositionAlone) {
  tasks_.push_back({"", "arc_easy", 1, "", "", 40, {}});
  add({"squad", "gold", {}, 1024, {}});
  add({"nq", "gold", 10, {}, 4});
  add({"squad", "gold", {}, 512, {}});
  add({"squad", "retrieved", {}, 512, {}});
  add({"nq", "gold", 10, {}, 0});
  add({"squad", "gold", {}, 2048, {}}, "f1", 20);
  EXPECT_THAT(answer_groups(tasks_),
              ElementsAre(ElementsAre(1, 3), ElementsAre(2, 5), ElementsAre(4), ElementsAre(6)));
  EXPECT_EQ(group_name(tasks_, {1, 3}), "squad");
  EXPECT_EQ(group_name(tasks_, {2, 5}), "nq of 10");
  EXPECT_EQ(group_name(tasks_, {4}), "squad retrieved");
}

TEST_F(AnswerGroups, LengthsAndPositionsAscendAndAreNotMixed) {
  for (const std::size_t length : {2048, 512}) {
    for (const std::size_t position : {9, 0, 4}) {
      add({"nq", "gold", 10, length, position});
    }
  }
  add({"nq", "gold", 10, 1024, 4}, "rouge_l");
  const TaskNumbers all = answer_groups(tasks_).front();
  EXPECT_THAT(tasks_by_position(tasks_, all), ElementsAre(1, 2, 0)) << "of 2,048 tokens";
  EXPECT_THAT(tasks_by_length(tasks_, all), ElementsAre(3, 0)) << "at position 9";
}

TEST_F(AnswerGroups, TheLargestIsTaken) {
  add({"squad", "gold", {}, 512, {}});
  add({"nq", "gold", {}, 512, {}});
  add({"nq", "gold", {}, 1024, {}});
  EXPECT_THAT(most_lengths(tasks_), ElementsAre(1, 2));
  EXPECT_THAT(most_positions(tasks_), IsEmpty());
  EXPECT_FALSE(first_attention_task(tasks_));
  add({"demo", "gold", {}, {}, {}}, "attention_p1");
  EXPECT_EQ(first_attention_task(tasks_), 3U);
}

}  // namespace
}  // namespace nibble::report
