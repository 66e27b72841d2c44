#include "kernels/cuda/common.cuh"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launches.cuh"
#include "kernels/cuda/resident_plan.cuh"

namespace nibble::kernels::cuda {
namespace {

const char* text_of(cudaError_t error) {
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}
cudaStream_t as_stream(Stream stream) {
  return static_cast<cudaStream_t>(stream);
}

/// One of the kernels, which were compiled alike.
__global__ void any_kernel() {}

const char* read_limits(int device) {
  DeviceLimits limits;
  cudaFuncAttributes compiled{};
  int device_bytes = 0;
  cudaError_t error = cudaFuncGetAttributes(&compiled, any_kernel);
  if (error == cudaSuccess) {
    error =
        cudaDeviceGetAttribute(&limits.n_multiprocessors, cudaDevAttrMultiProcessorCount, device);
  }
  if (error == cudaSuccess) {
    error = cudaDeviceGetAttribute(&device_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  }
  if (error != cudaSuccess) {
    return text_of(error);
  }
  limits.architecture = compiled.ptxVersion;
  limits.block_bytes = block_bytes_of(limits.architecture);
  limits.is_hopper = limits.architecture >= 90;
  device_limits = limits;
  return device_bytes < limits.block_bytes
             ? "its blocks have less shared memory than the kernels were compiled for: "
               "CMAKE_CUDA_ARCHITECTURES must name its own compute capability"
             : nullptr;
}

const char* open(int device, Stream* stream) {
  cudaError_t error = cudaSetDevice(device);
  if (error != cudaSuccess) {
    return text_of(error);
  }
  if (const char* problem = read_limits(device)) {
    return problem;
  }
  cudaStream_t made = nullptr;
  error = cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking);
  cudaMemPool_t pool = nullptr;
  if (error == cudaSuccess && (error = cudaDeviceGetDefaultMemPool(&pool, device)) == cudaSuccess) {
    std::uint64_t keep = ~std::uint64_t{0};  // what is given back serves the next allocation
    error = cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep);
  }
  *stream = made;
  return text_of(error);
}

const char* close(Stream stream) {
  return text_of(cudaStreamDestroy(as_stream(stream)));
}
/// What was given back to the pool is free, too.
const char* memory(std::size_t* free_bytes, std::size_t* total_bytes) {
  cudaError_t error = cudaMemGetInfo(free_bytes, total_bytes);
  int device = 0;
  cudaMemPool_t pool = nullptr;
  std::uint64_t reserved = 0, used = 0;
  if (error == cudaSuccess && (error = cudaGetDevice(&device)) == cudaSuccess &&
      (error = cudaDeviceGetDefaultMemPool(&pool, device)) == cudaSuccess &&
      (error = cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved)) ==
          cudaSuccess &&
      (error = cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used)) ==
          cudaSuccess) {
    *free_bytes += static_cast<std::size_t>(reserved - used);
  }
  return text_of(error);
}
const char* allocate(std::size_t n_bytes, void** out, Stream stream) {
  return text_of(cudaMallocAsync(out, n_bytes, as_stream(stream)));
}
const char* release(void* bytes, Stream stream) {
  return text_of(cudaFreeAsync(bytes, as_stream(stream)));
}
const char* allocate_host(std::size_t n_bytes, void** out) {
  return text_of(cudaMallocHost(out, n_bytes));
}
const char* release_host(void* bytes) {
  return text_of(cudaFreeHost(bytes));
}
const char* upload(const void* host, void* device, std::size_t n_bytes, Stream stream) {
  return text_of(cudaMemcpyAsync(device, host, n_bytes, cudaMemcpyHostToDevice, as_stream(stream)));
}
const char* download(const void* device, void* host, std::size_t n_bytes, Stream stream) {
  return text_of(cudaMemcpyAsync(host, device, n_bytes, cudaMemcpyDeviceToHost, as_stream(stream)));
}
const char* copy(const void* from, void* to, std::size_t n_bytes, Stream stream) {
  return text_of(cudaMemcpyAsync(to, from, n_bytes, cudaMemcpyDeviceToDevice, as_stream(stream)));
}
const char* clear(void* bytes, std::size_t n_bytes, Stream stream) {
  return text_of(cudaMemsetAsync(bytes, 0, n_bytes, as_stream(stream)));
}
const char* synchronize(Stream stream) {
  return text_of(cudaStreamSynchronize(as_stream(stream)));
}
const char* error() {
  return text_of(cudaGetLastError());
}

const char* begin_capture(Stream stream) {
  return text_of(cudaStreamBeginCapture(as_stream(stream), cudaStreamCaptureModeThreadLocal));
}
const char* end_capture(Stream stream, void** graph) {
  cudaGraph_t made = nullptr;
  cudaError_t result = cudaStreamEndCapture(as_stream(stream), &made);
  cudaGraphExec_t ready = nullptr;
  if (result == cudaSuccess) {
    result = cudaGraphInstantiate(&ready, made, 0);
    cudaGraphDestroy(made);
  }
  *graph = ready;
  return text_of(result);
}
const char* launch_graph(void* graph, Stream stream) {
  return text_of(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), as_stream(stream)));
}
const char* release_graph(void* graph) {
  return text_of(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph)));
}

const char* make_event(void** event) {
  return text_of(cudaEventCreate(reinterpret_cast<cudaEvent_t*>(event)));
}
const char* record_event(void* event, Stream stream) {
  return text_of(cudaEventRecord(static_cast<cudaEvent_t>(event), as_stream(stream)));
}
const char* elapsed_ms(void* begin, void* end, float* out) {
  return text_of(
      cudaEventElapsedTime(out, static_cast<cudaEvent_t>(begin), static_cast<cudaEvent_t>(end)));
}

void linear(const LinearTask& task, Stream stream) {
  static constexpr void (*kByFormat[])(const LinearTask&, Stream) = {
      &linear_half, &linear_code4, &linear_lut4, &linear_code8};
  kByFormat[task.w.format](task, stream);
}

}  // namespace

bool takes_norm(const LinearTask& task) {
  return device_limits.is_hopper && is_resident(task) && norm_parts(task) > 0;
}

const Kernels* kernels() noexcept {
  static constexpr Kernels kTable = {.linear = &linear,
                                     .takes_norm = &takes_norm,
                                     .takes_arranged = &takes_arranged,
                                     .dequantize = &dequantize,
                                     .gate = &gate,
                                     .rms_norm = &rms_norm,
                                     .embed = &embed,
                                     .rope_store = &rope_store,
                                     .attention = &attention,
                                     .decode_attention = &decode_attention,
                                     .store_kv = &store_kv,
                                     .page_attention = &page_attention,
                                     .transform_rows = &transform_rows,
                                     .most_transformed = &most_transformed,
                                     .gather = &gather,
                                     .cap = &cap,
                                     .to_half = &to_half,
                                     .scores = &scores,
                                     .advance = &advance,
                                     .random_bytes = &random_bytes,
                                     .random_halves = &random_halves};
  return &kTable;
}

const Runtime* runtime() noexcept {
  static constexpr Runtime kTable = {.open = &open,
                                     .close = &close,
                                     .memory = &memory,
                                     .allocate = &allocate,
                                     .release = &release,
                                     .allocate_host = &allocate_host,
                                     .release_host = &release_host,
                                     .upload = &upload,
                                     .download = &download,
                                     .copy = &copy,
                                     .clear = &clear,
                                     .synchronize = &synchronize,
                                     .error = &error,
                                     .begin_capture = &begin_capture,
                                     .end_capture = &end_capture,
                                     .launch_graph = &launch_graph,
                                     .release_graph = &release_graph,
                                     .dense = &dense,
                                     .make_event = &make_event,
                                     .record_event = &record_event,
                                     .elapsed_ms = &elapsed_ms};
  return &kTable;
}

}  // namespace nibble::kernels::cuda
