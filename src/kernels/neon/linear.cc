#include "kernels/neon/linear.h"

namespace nibble::kernels::neon {
namespace {

constexpr std::size_t kTiles[] = {1, 2, 4, 6};

constexpr PanelKernel counted_from_128(std::string_view name,
                                       void (*multiply)(const PanelTask&) noexcept) noexcept {
  return {.name = name, .activation = ActivationType::kInt8, .multiply = multiply, .origin = 128};
}

}  // namespace

const LinearKernels kLinear = {
    .tiles = kTiles,
    .pack = {pack_f32, nullptr, pack_int8},
    .panels = {{{"f32_neon", ActivationType::kF32, multiply_f32},
                {"bf16_f32_neon", ActivationType::kF32, multiply_bf16},
                {"int2_i8_neon", ActivationType::kInt8, multiply_int2},
                {"int3_i8_neon", ActivationType::kInt8, multiply_int3},
                {"int4_i8_neon", ActivationType::kInt8, multiply_int4},
                {"int5_i8_neon", ActivationType::kInt8, multiply_int5},
                {"int6_i8_neon", ActivationType::kInt8, multiply_int6},
                counted_from_128("int8_i8_neon", multiply_int8),
                counted_from_128("lut4_i8_neon", multiply_lut4)}},
};

}  // namespace nibble::kernels::neon
