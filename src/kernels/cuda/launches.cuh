/// The products of packed weights, one translation unit a format, so that they compile side by
/// side; `kernels()` chooses among them.
#pragma once

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/mass.h"

namespace nibble::kernels::cuda {

void linear_half(const LinearTask& task, Stream stream);
void linear_code4(const LinearTask& task, Stream stream);
void linear_lut4(const LinearTask& task, Stream stream);
void linear_code8(const LinearTask& task, Stream stream);

/// 9.0 does, for few tokens and widths that kernels are compiled for.
bool takes_norm(const LinearTask& task);
/// What linear_wide.cuh multiplies.
bool takes_arranged(const LinearTask& task);

void dequantize(const WeightView& w, void* out, Stream stream);
void gate(const void* x, void* y, int n, int n_tokens, bool gelu, Stream stream);
void rms_norm(const NormTask& task, Stream stream);
void embed(const BatchView& batch,
           const void* table,
           float scale,
           float* hidden,
           int width,
           Stream stream);
void rope_store(const RopeTask& task, Stream stream);
void attention(const AttentionTask& task, Stream stream);
/// False where the device does not do it: rope_store and attention do.
bool decode_attention(const RopeTask& rope, const AttentionTask& task, Stream stream);
void store_kv(const StoreTask& task, Stream stream);
void page_attention(const AttentionTask& task, const KvPages& kv, Stream stream);
void transform_rows(const TransformTask& task, Stream stream);
int most_transformed();
void gather(const float* x, const std::uint32_t* rows, float* y, int n, int width, Stream stream);
void cap(float* x, std::size_t n, float limit, Stream stream);
void to_half(const float* x, void* y, std::size_t n, Stream stream);
void scores(const ScoreTask& task, Stream stream);
void advance(
    const std::int32_t* best, std::int32_t* tokens, std::int32_t* positions, int n, Stream stream);
void random_bytes(void* out, std::size_t n_bytes, std::uint32_t seed, Stream stream);
void random_halves(void* out, std::size_t n, float scale, std::uint32_t seed, Stream stream);

/// The masses of scores that are there, times log2(e).
void share_masses(const MassTask& task, Stream stream);

/// cuBLASLt; nullptr or why it cannot run.
const char* dense(const DenseTask& task, Stream stream);

}  // namespace nibble::kernels::cuda
