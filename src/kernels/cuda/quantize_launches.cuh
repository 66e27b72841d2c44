/// What the translation units of quantize.h give its table.
#pragma once

#include "kernels/cuda/quantize.h"

namespace nibble::kernels::cuda {

void widen(const void* x, SourceType type, float* y, std::size_t n, Stream stream);
void find_not_finite(const float* x, std::size_t n, std::uint64_t* at, Stream stream);
void narrow_rows(const float* x, void* y, int rows, int cols, int first, int turn, Stream stream);
void decode(const GroupedMatrix& m, float* y, Stream stream);
void squared_error(
    const GroupedMatrix& m, const float* w, double* parts, double* sums, Stream stream);
void pack(const GroupedMatrix& m,
          const std::uint32_t* input_at,
          std::uint8_t* out,
          std::size_t row_bytes,
          Stream stream);
void to_bytes(const float* x, std::uint8_t* y, std::size_t n, Stream stream);
void hqq_start(const HqqTask& task, Stream stream);
void hqq_step(const HqqTask& task, Stream stream);
void hqq_finish(const HqqTask& task, Stream stream);

void place_columns(const float* w,
                   const std::uint32_t* input_at,
                   const std::uint8_t* is_dead,
                   float* out,
                   int rows,
                   int cols,
                   Stream stream);
void static_grids(const GroupedMatrix& m,
                  GridRule rule,
                  const float* w,
                  const std::uint8_t* is_dead,
                  Stream stream);
void gptq_block(const GptqTask& task, Stream stream);
void diagonal(const float* moment, float* out, int n, Stream stream);
void fill_moment(const MomentTask& task, Stream stream);
void reverse_factor(const double* a, float* u, int n, Stream stream);

const char* add_gram(const void* x, int n_tokens, float* sum, int n, Stream stream);
const char* float_product(const ProductTask& task, Stream stream);
const char* invert_factor(double* a, int n, bool* is_definite, Stream stream);

}  // namespace nibble::kernels::cuda
