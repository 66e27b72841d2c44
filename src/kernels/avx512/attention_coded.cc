#include "kernels/avx512/attention_coded.h"

#include "kernels/avx512/attention_isa.h"
#include "kernels/coded_tile.h"

namespace nibble::kernels::avx512 {

void attention_coded(const AttentionTask& task, const CodedKv& kv) noexcept {
  for_rows(
      task,
      task.head_dim,
      [&](AttentionRow* rows, std::size_t n) { attend_coded_keys<Isa>(task, kv, rows, n); },
      [&task](const AttentionRow& row) { divide_by_total(task, row); });
}

}  // namespace nibble::kernels::avx512
