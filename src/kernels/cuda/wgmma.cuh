/// Products of a warpgroup (9.0a): 64 rows of registers times tokens in shared memory.
///
/// The operand in shared memory is [token][64 columns] of binary16, rows of 128 bytes whose 16-byte
/// chunks change places with the row (the 128-byte swizzle), 8 tokens to a kilobyte.
///
/// Source     PTX ISA, wgmma.mma_async and its matrix descriptors
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/pipeline.cuh"

namespace nibble::kernels::cuda {

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define NIBBLE_HAS_WGMMA 1
#else
#define NIBBLE_HAS_WGMMA 0
#endif

/// Whether the host's half of the program was built together with such code.
#ifdef NIBBLE_SM90A
inline constexpr bool kBuiltForHopper = true;
#else
inline constexpr bool kBuiltForHopper = false;
#endif

/// A descriptor of tokens from `place` on, a multiple of 1,024 bytes; a step of 16 columns is 32
/// bytes further, which is 2 more.
__device__ __forceinline__ std::uint64_t describe_tokens(const void* place) {
  constexpr std::uint64_t kSwizzle128 = std::uint64_t{1} << 62;
  constexpr std::uint64_t kEightTokens = std::uint64_t{1024 >> 4} << 32;
  constexpr std::uint64_t kUnused = std::uint64_t{1} << 16;
  return kSwizzle128 | kEightTokens | kUnused | (shared_address(place) & 0x3FFFF) >> 4;
}

/// Before the first product that reads registers written since.
__device__ __forceinline__ void begin_products() {
#if NIBBLE_HAS_WGMMA
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}
__device__ __forceinline__ void commit_products() {
#if NIBBLE_HAS_WGMMA
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}
/// Until at most `kPending` of the groups committed last are under way.
template <int kPending>
__device__ __forceinline__ void wait_for_products() {
#if NIBBLE_HAS_WGMMA
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
#endif
}

/// sums += a b for 64 rows, 16 columns in between and 32 tokens; a warp's rows are 16 of them.
__device__ __forceinline__ void multiply_group(float (&c)[16],
                                               const std::uint32_t (&a)[4],
                                               std::uint64_t tokens) {
#if NIBBLE_HAS_WGMMA
  asm volatile(
      "{\n.reg .pred adds;\nsetp.ne.b32 adds, 1, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n32k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, "
      "%10, %11, %12, %13, %14, %15}, {%16, %17, %18, %19}, %20, adds, 1, 1, 0;\n}"
      : "+f"(c[0]),
        "+f"(c[1]),
        "+f"(c[2]),
        "+f"(c[3]),
        "+f"(c[4]),
        "+f"(c[5]),
        "+f"(c[6]),
        "+f"(c[7]),
        "+f"(c[8]),
        "+f"(c[9]),
        "+f"(c[10]),
        "+f"(c[11]),
        "+f"(c[12]),
        "+f"(c[13]),
        "+f"(c[14]),
        "+f"(c[15])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(tokens));
#endif
}
/// The same for 64 tokens.
__device__ __forceinline__ void multiply_group(float (&c)[32],
                                               const std::uint32_t (&a)[4],
                                               std::uint64_t tokens) {
#if NIBBLE_HAS_WGMMA
  asm volatile(
      "{\n.reg .pred adds;\nsetp.ne.b32 adds, 1, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, "
      "%9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, "
      "%26, %27, %28, %29, %30, %31}, {%32, %33, %34, %35}, %36, adds, 1, 1, 0;\n}"
      : "+f"(c[0]),
        "+f"(c[1]),
        "+f"(c[2]),
        "+f"(c[3]),
        "+f"(c[4]),
        "+f"(c[5]),
        "+f"(c[6]),
        "+f"(c[7]),
        "+f"(c[8]),
        "+f"(c[9]),
        "+f"(c[10]),
        "+f"(c[11]),
        "+f"(c[12]),
        "+f"(c[13]),
        "+f"(c[14]),
        "+f"(c[15]),
        "+f"(c[16]),
        "+f"(c[17]),
        "+f"(c[18]),
        "+f"(c[19]),
        "+f"(c[20]),
        "+f"(c[21]),
        "+f"(c[22]),
        "+f"(c[23]),
        "+f"(c[24]),
        "+f"(c[25]),
        "+f"(c[26]),
        "+f"(c[27]),
        "+f"(c[28]),
        "+f"(c[29]),
        "+f"(c[30]),
        "+f"(c[31])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(tokens));
#endif
}
/// The same for 128 tokens.
__device__ __forceinline__ void multiply_group(float (&c)[64],
                                               const std::uint32_t (&a)[4],
                                               std::uint64_t tokens) {
#if NIBBLE_HAS_WGMMA
  asm volatile(
      "{\n.reg .pred adds;\nsetp.ne.b32 adds, 1, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, "
      "%8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, "
      "%26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, "
      "%43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, "
      "%60, %61, %62, %63}, {%64, %65, %66, %67}, %68, adds, 1, 1, 0;\n}"
      : "+f"(c[0]),
        "+f"(c[1]),
        "+f"(c[2]),
        "+f"(c[3]),
        "+f"(c[4]),
        "+f"(c[5]),
        "+f"(c[6]),
        "+f"(c[7]),
        "+f"(c[8]),
        "+f"(c[9]),
        "+f"(c[10]),
        "+f"(c[11]),
        "+f"(c[12]),
        "+f"(c[13]),
        "+f"(c[14]),
        "+f"(c[15]),
        "+f"(c[16]),
        "+f"(c[17]),
        "+f"(c[18]),
        "+f"(c[19]),
        "+f"(c[20]),
        "+f"(c[21]),
        "+f"(c[22]),
        "+f"(c[23]),
        "+f"(c[24]),
        "+f"(c[25]),
        "+f"(c[26]),
        "+f"(c[27]),
        "+f"(c[28]),
        "+f"(c[29]),
        "+f"(c[30]),
        "+f"(c[31]),
        "+f"(c[32]),
        "+f"(c[33]),
        "+f"(c[34]),
        "+f"(c[35]),
        "+f"(c[36]),
        "+f"(c[37]),
        "+f"(c[38]),
        "+f"(c[39]),
        "+f"(c[40]),
        "+f"(c[41]),
        "+f"(c[42]),
        "+f"(c[43]),
        "+f"(c[44]),
        "+f"(c[45]),
        "+f"(c[46]),
        "+f"(c[47]),
        "+f"(c[48]),
        "+f"(c[49]),
        "+f"(c[50]),
        "+f"(c[51]),
        "+f"(c[52]),
        "+f"(c[53]),
        "+f"(c[54]),
        "+f"(c[55]),
        "+f"(c[56]),
        "+f"(c[57]),
        "+f"(c[58]),
        "+f"(c[59]),
        "+f"(c[60]),
        "+f"(c[61]),
        "+f"(c[62]),
        "+f"(c[63])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(tokens));
#endif
}

}  // namespace nibble::kernels::cuda
