#include "eval/tasks/few_shot_prompt.h"

#include "eval/fewshot.h"

namespace nibble::eval {
namespace {

bool are_equal(const ChoiceItem& a, const ChoiceItem& b) {
  return a.context == b.context && a.choices == b.choices && a.right == b.right;
}

}  // namespace

void add_shots(std::vector<ChoiceItem>& items,
               std::span<const ChoiceItem> pool,
               ShotPool origin,
               std::size_t n_shots) {
  if (n_shots == 0) {
    return;
  }
  PythonRandom random(kFewShotSeed);
  const std::size_t n_drawn = n_shots + (origin == ShotPool::kEvaluatedRows ? 1 : 0);
  for (ChoiceItem& item : items) {
    std::string context;
    std::size_t n_used = 0;
    for (const std::size_t index : random.sample(pool.size(), n_drawn)) {
      const ChoiceItem& shot = pool[index];
      if (n_used == n_shots || (origin == ShotPool::kEvaluatedRows && are_equal(shot, item))) {
        continue;
      }
      ++n_used;
      context += shot.context + " " + shot.choices[shot.right] + "\n\n";
    }
    item.context = context + item.context;
  }
}

}  // namespace nibble::eval
