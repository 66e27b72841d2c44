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
                {"int2_i8_avx2", ActivationType::kInt8, multiply_int2},
                {"int3_i8_avx2", ActivationType::kInt8, multiply_int3},
                {"int4_i8_avx2", ActivationType::kInt8, multiply_int4},
                {"int5_i8_avx2", ActivationType::kInt8, multiply_int5},
                {"int6_i8_avx2", ActivationType::kInt8, multiply_int6},
                {"int8_i8_avx2", ActivationType::kInt8, multiply_int8},
                {"lut4_i8_avx2", ActivationType::kInt8, multiply_lut4}}},
};

}  // namespace nibble::kernels::avx2
