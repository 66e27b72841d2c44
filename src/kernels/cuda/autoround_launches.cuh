/// What the translation units of autoround.h give its table.
#pragma once

#include "kernels/cuda/autoround.h"

namespace nibble::kernels::cuda {

void round_step(const RoundingTask& task, Stream stream);
void split_heads(const SplitTask& task, Stream stream);
void softmax_backward(const SoftmaxBackwardTask& task, Stream stream);
void join_heads(const JoinTask& task, Stream stream);
/// By cuBLAS.
const char* half_product(const HalfProduct& product, Stream stream);

}  // namespace nibble::kernels::cuda
