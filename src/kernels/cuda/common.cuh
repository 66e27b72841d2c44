/// What the kernels share: launches, copies that do not pass through registers, the
/// product of the matrix units.
///
/// Source     PTX ISA; our own
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace nibble::kernels::cuda {

inline constexpr int kWarp = 32;

/// Waits until what this kernel reads is written, then lets the next one start. On devices with
/// dependent launches (9.0) a kernel starts while the one before it still runs, and every thread
/// calls this before it touches anything that an earlier kernel of the pass wrote or reads. As the
/// next one may start only then, no more than two kernels are ever under way, and blocks of the
/// second find one place on every multiprocessor.
__device__ __forceinline__ void follow_earlier_kernels() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;\ngriddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// 16 bytes from global to shared memory; what a thread copies it reads itself, behind
/// `wait_for_copies`. Before 8.0 a plain copy.
__device__ __forceinline__ void copy_16(void* to_shared, const void* from) {
#if __CUDA_ARCH__ >= 800
  const auto to = static_cast<std::uint32_t>(__cvta_generic_to_shared(to_shared));
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(to), "l"(from)
               : "memory");
#else
  *static_cast<uint4*>(to_shared) = __ldcg(static_cast<const uint4*>(from));
#endif
}
__device__ __forceinline__ void copy_4(void* to_shared, const void* from) {
#if __CUDA_ARCH__ >= 800
  const auto to = static_cast<std::uint32_t>(__cvta_generic_to_shared(to_shared));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to), "l"(from) : "memory");
#else
  *static_cast<std::uint32_t*>(to_shared) = __ldg(static_cast<const std::uint32_t*>(from));
#endif
}
__device__ __forceinline__ void commit_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
/// Until at most `kPending` of the groups committed last are on their way.
template <int kPending>
__device__ __forceinline__ void wait_for_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#endif
}

/// c += a b for 16 rows, 8 columns and 16 in between; float32 sums.
__device__ __forceinline__ void multiply(float (&c)[4],
                                         const std::uint32_t (&a)[4],
                                         std::uint32_t b0,
                                         std::uint32_t b1) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  // Turing multiplies 8 in between at a time; the halves of a are its two operands.
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, "
      "{%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(b0));
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, "
      "{%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[2]), "r"(a[3]), "r"(b1));
#endif
}

/// Nearest binary16; what is finite stays finite, and what is not stays so.
__device__ __forceinline__ __half limited_half(float x) {
  constexpr float kLargest = 65504.0F;
  const bool is_cut = fabsf(x) > kLargest && isfinite(x);
  return __float2half_rn(is_cut ? copysignf(kLargest, x) : x);
}
__device__ __forceinline__ std::uint32_t pack_halves(float low, float high) {
  const __half2 both = __halves2half2(limited_half(low), limited_half(high));
  return *reinterpret_cast<const std::uint32_t*>(&both);
}

__device__ __forceinline__ float silu(float x) {
  return x / (1.0F + __expf(-x));
}
__device__ __forceinline__ float gelu_tanh(float x) {
  return 0.5F * x * (1.0F + tanhf(0.7978845608028654F * (x + 0.044715F * x * x * x)));
}

/// Shared memory that a block may ask for, by compute capability (75: 7.5).
/// Source     CUDA C++ Programming Guide, Technical Specifications per Compute Capability
__host__ __device__ constexpr int block_bytes_of(int architecture) {
  const bool is_small = architecture == 86 || architecture == 89 || architecture >= 120;
  return 1024 * (architecture < 80 ? 64 : is_small ? 99 : architecture < 90 ? 163 : 227);
}
/// Of what is being compiled; the host looks into `device_limits`.
#if defined(__CUDA_ARCH__)
inline constexpr int kBlockBytes = block_bytes_of(__CUDA_ARCH__ / 10);
#else
inline constexpr int kBlockBytes = block_bytes_of(90);
#endif

/// What is known of the device since it was opened. Code for an older architecture runs on a newer
/// device, too, as the older one's: the host chooses by what the kernels were compiled for.
struct DeviceLimits {
  int n_multiprocessors = 1;
  int architecture = 0;         ///< that the kernels were compiled for: 75, 90
  int block_bytes = 48 * 1024;  ///< of shared memory: block_bytes_of(architecture)
  /// Dependent launches, clusters and the copy engine (9.0).
  bool is_hopper = false;
};
inline DeviceLimits device_limits;

/// The attribute of a launch whose blocks form clusters.
inline cudaLaunchAttribute cluster_of(dim3 blocks) {
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {blocks.x, blocks.y, blocks.z};
  return attribute;
}

/// A launch that may begin while the kernel before it ends, in clusters of blocks.
template <class... Parameters, class... Arguments>
void launch_clusters(void (*kernel)(Parameters...),
                     dim3 grid,
                     dim3 cluster,
                     int n_threads,
                     std::size_t shared_bytes,
                     void* stream,
                     Arguments... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = dim3(static_cast<unsigned>(n_threads));
  config.dynamicSmemBytes = shared_bytes;
  config.stream = static_cast<cudaStream_t>(stream);
  cudaLaunchAttribute attributes[3]{};
  config.attrs = attributes;
  if (device_limits.is_hopper) {
    attributes[0].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[0].val.programmaticStreamSerializationAllowed = 1;
    config.numAttrs = 1;
  }
  if (cluster.x * cluster.y * cluster.z > 1) {
    attributes[config.numAttrs++] = cluster_of(cluster);
    cudaLaunchAttribute& policy = attributes[config.numAttrs++];
    policy.id = cudaLaunchAttributeClusterSchedulingPolicyPreference;
    policy.val.clusterSchedulingPolicyPreference = cudaClusterSchedulingPolicySpread;
  }
  cudaLaunchKernelEx(&config, kernel, arguments...);
}

/// The same without clusters.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...),
            dim3 grid,
            int n_threads,
            std::size_t shared_bytes,
            void* stream,
            Arguments... arguments) {
  launch_clusters(kernel, grid, dim3(1), n_threads, shared_bytes, stream, arguments...);
}

}  // namespace nibble::kernels::cuda
