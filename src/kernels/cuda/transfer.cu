#include <cuda_runtime_api.h>

#include "kernels/cuda/transfer.h"

namespace nibble::kernels::cuda {
namespace {

const char* message_of(cudaError_t error) {
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

cudaError_t default_pool(cudaMemPool_t* pool) {
  int device = 0;
  const cudaError_t error = cudaGetDevice(&device);
  return error == cudaSuccess ? cudaDeviceGetDefaultMemPool(pool, device) : error;
}

const char* memory_in_use(std::size_t* now_bytes, std::size_t* most_bytes) {
  cudaMemPool_t pool = nullptr;
  std::uint64_t now = 0, most = 0;
  cudaError_t error = default_pool(&pool);
  if (error == cudaSuccess) {
    error = cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &now);
  }
  if (error == cudaSuccess) {
    error = cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &most);
  }
  *now_bytes = static_cast<std::size_t>(now);
  *most_bytes = static_cast<std::size_t>(most);
  return message_of(error);
}
const char* forget_most() {
  cudaMemPool_t pool = nullptr;
  std::uint64_t none = 0;  // the only value that it takes; the mark becomes what is in use
  const cudaError_t error = default_pool(&pool);
  return message_of(error == cudaSuccess
                        ? cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &none)
                        : error);
}

const char* lock_host(void* bytes, std::size_t n_bytes) {
  return message_of(cudaHostRegister(bytes, n_bytes, cudaHostRegisterDefault));
}
const char* unlock_host(void* bytes) {
  return message_of(cudaHostUnregister(bytes));
}

const char* make_stream(Stream* stream) {
  cudaStream_t made = nullptr;
  const cudaError_t error = cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking);
  *stream = made;
  return message_of(error);
}
const char* release_event(void* event) {
  return message_of(cudaEventDestroy(static_cast<cudaEvent_t>(event)));
}
const char* wait_event(void* event, Stream stream) {
  return message_of(
      cudaStreamWaitEvent(static_cast<cudaStream_t>(stream), static_cast<cudaEvent_t>(event), 0));
}

}  // namespace

const Transfer* transfer() noexcept {
  static constexpr Transfer kTable = {.memory_in_use = &memory_in_use,
                                      .forget_most = &forget_most,
                                      .lock_host = &lock_host,
                                      .unlock_host = &unlock_host,
                                      .make_stream = &make_stream,
                                      .release_event = &release_event,
                                      .wait_event = &wait_event};
  return &kTable;
}

}  // namespace nibble::kernels::cuda
