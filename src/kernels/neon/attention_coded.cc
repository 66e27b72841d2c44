#include "kernels/neon/attention_coded.h"

#include "kernels/coded_tile.h"
#include "kernels/neon/attention_isa.h"

namespace nibble::kernels::neon {

void attention_coded(const AttentionTask& task, const CodedKv& kv) noexcept {
  for_rows(
      task,
      task.head_dim,
      [&](AttentionRow* rows, std::size_t n) { attend_coded_keys<Isa>(task, kv, rows, n); },
      [&task](const AttentionRow& row) { divide_by_total(task, row); });
}

}  // namespace nibble::kernels::neon
