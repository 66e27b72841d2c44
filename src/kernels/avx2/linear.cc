#include "kernels/avx2/linear.h"

namespace nibble::kernels::avx2 {
namespace {

constexpr std::size_t kTiles[] = {1, 2, 4, 6};

}  // namespace

const LinearKernels kLinear = {
    .tiles = kTiles,
    .pack = {pack_f32, nullptr, pack_int8},
    .panels = {{{"f32_avx2", ActivationType::kF32, multiply_f32},
                {"bf16_f32_avx2", ActivationType::kF32, multiply_bf16},
                {"int8_i8_avx2", ActivationType::kInt8, multiply_int8},
                {"int4_i8_avx2", ActivationType::kInt8, multiply_int4},
                {"lut4_f32_avx2", ActivationType::kF32, multiply_lut4}}},
};

}  // namespace nibble::kernels::avx2
