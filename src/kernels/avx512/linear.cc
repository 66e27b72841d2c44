#include "kernels/avx512/linear.h"

namespace nibble::kernels::avx512 {
namespace {

constexpr std::size_t kTiles[] = {1, 2, 4, 8, 12};

constexpr PanelKernel kBf16 = {
    "bf16_avx512bf16", ActivationType::kBf16, multiply_bf16, 2, kFloatTilesAtOnce};
constexpr PanelKernel kBf16Fma = {
    "bf16_avx512", ActivationType::kF32, multiply_widened_bf16, 2, kFloatTilesAtOnce};

constexpr LinearKernels with(const PanelKernel& bf16) noexcept {
  return {
      .tiles = kTiles,
      .pack = {pack_f32, pack_bf16, pack_int8},
      .panels = {{{"f32_avx512", ActivationType::kF32, multiply_f32, 2, kFloatTilesAtOnce},
                  bf16,
                  {"int2_i8_avx512vnni", ActivationType::kInt8, multiply_int2},
                  {"int3_i8_avx512vnni", ActivationType::kInt8, multiply_int3},
                  {"int4_i8_avx512vnni", ActivationType::kInt8, multiply_int4},
                  {"int5_i8_avx512vnni", ActivationType::kInt8, multiply_int5},
                  {"int6_i8_avx512vnni", ActivationType::kInt8, multiply_int6},
                  {"int8_i8_avx512vnni", ActivationType::kInt8, multiply_int8},
                  {"lut4_i8_avx512vnni", ActivationType::kInt8, multiply_lut4}}},
  };
}

}  // namespace

constinit const LinearKernels kLinear = with(kBf16);
constinit const LinearKernels kLinearFma = with(kBf16Fma);

}  // namespace nibble::kernels::avx512
