/// What devices from 9.0 on bring to a pipeline: barriers in shared memory that copies complete,
/// copies of whole runs by the copy engine, and clusters of blocks that read each other's shared
/// memory. Before 9.0 these functions are empty; who calls them has another way there.
///
/// Source     PTX ISA, sections on mbarrier, cp.async.bulk and barrier.cluster
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace nibble::kernels::cuda {

/// Whether code for this device copies by the copy engine.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
#define NIBBLE_HAS_BULK_COPIES 1
#else
#define NIBBLE_HAS_BULK_COPIES 0
#endif

__device__ __forceinline__ std::uint32_t shared_address(const void* shared) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
}

/// A barrier that one thread arrives at and copies complete.
__device__ __forceinline__ void make_barrier(std::uint64_t* barrier, int n_arrivals) {
#if NIBBLE_HAS_BULK_COPIES
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)),
               "r"(n_arrivals)
               : "memory");
#endif
}
/// Behind `make_barrier`, before a copy or another block may use it.
__device__ __forceinline__ void publish_barriers() {
#if NIBBLE_HAS_BULK_COPIES
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}
/// Arrives, and says how many bytes of copies the phase waits for.
__device__ __forceinline__ void expect_bytes(std::uint64_t* barrier, int n_bytes) {
#if NIBBLE_HAS_BULK_COPIES
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
      "r"(n_bytes)
      : "memory");
#endif
}
__device__ __forceinline__ void arrive(std::uint64_t* barrier) {
#if NIBBLE_HAS_BULK_COPIES
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier))
               : "memory");
#endif
}
/// Until the phase of that parity is complete.
__device__ __forceinline__ void wait_for_phase(std::uint64_t* barrier, std::uint32_t parity) {
#if NIBBLE_HAS_BULK_COPIES
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra ready;\n"
      "bra again;\n"
      "ready:\n"
      "}" ::"r"(shared_address(barrier)),
      "r"(parity)
      : "memory");
#endif
}

/// `n_bytes`, a multiple of 16, from global to shared memory; completes on `barrier`.
__device__ __forceinline__ void copy_bulk(void* to_shared,
                                          const void* from,
                                          int n_bytes,
                                          std::uint64_t* barrier) {
#if NIBBLE_HAS_BULK_COPIES
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(shared_address(to_shared)),
      "l"(from),
      "r"(n_bytes),
      "r"(shared_address(barrier))
      : "memory");
#endif
}

/// All threads of all blocks of a cluster; what they wrote to shared memory before is seen behind.
__device__ __forceinline__ void synchronize_cluster() {
#if NIBBLE_HAS_BULK_COPIES
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::
                   : "memory");
#endif
}
/// A float at the place `shared` of block `rank` of the cluster.
__device__ __forceinline__ float read_of_block(const float* shared, int rank) {
  float value = 0.0F;
#if NIBBLE_HAS_BULK_COPIES
  asm volatile(
      "{\n"
      ".reg .b32 place;\n"
      "mapa.shared::cluster.u32 place, %1, %2;\n"
      "ld.shared::cluster.f32 %0, [place];\n"
      "}"
      : "=f"(value)
      : "r"(shared_address(shared)), "r"(rank)
      : "memory");
#endif
  return value;
}

}  // namespace nibble::kernels::cuda
