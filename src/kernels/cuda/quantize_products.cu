// Products by cuBLAS and factors by cuSOLVER, which are loaded when the first of them is wanted;
// the table of quantize.h.
#include <cublas_v2.h>
#include <cusolverDn.h>
#include <dlfcn.h>

#include <string>
#include <vector>

#include "kernels/cuda/autoround_launches.cuh"
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/quantize_launches.cuh"

namespace nibble::kernels::cuda {
namespace {

/// Columns of the second moment that one product covers: what lies below the diagonal is left out.
constexpr int kGramColumns = 2048;

struct Products {
  decltype(&cublasCreate_v2) create = nullptr;
  decltype(&cublasSetStream_v2) set_stream = nullptr;
  cublasStatus_t (*gemm)(cublasHandle_t,
                         cublasOperation_t a_operation,
                         cublasOperation_t b_operation,
                         int m,
                         int n,
                         int k,
                         const void* alpha,
                         const void* a,
                         cudaDataType a_type,
                         int a_stride,
                         const void* b,
                         cudaDataType b_type,
                         int b_stride,
                         const void* beta,
                         void* c,
                         cudaDataType c_type,
                         int c_stride,
                         cublasComputeType_t,
                         cublasGemmAlgo_t) = nullptr;
  cublasStatus_t (*gemm_batch)(cublasHandle_t,
                               cublasOperation_t a_operation,
                               cublasOperation_t b_operation,
                               int m,
                               int n,
                               int k,
                               const void* alpha,
                               const void* a,
                               cudaDataType a_type,
                               int a_stride,
                               long long a_next,
                               const void* b,
                               cudaDataType b_type,
                               int b_stride,
                               long long b_next,
                               const void* beta,
                               void* c,
                               cudaDataType c_type,
                               int c_stride,
                               long long c_next,
                               int n_products,
                               cublasComputeType_t,
                               cublasGemmAlgo_t) = nullptr;
  cublasHandle_t handle = nullptr;
  std::string problem;
};

struct Factors {
  decltype(&cusolverDnCreate) create = nullptr;
  decltype(&cusolverDnSetStream) set_stream = nullptr;
  decltype(&cusolverDnCreateParams) create_params = nullptr;
  decltype(&cusolverDnXpotrf_bufferSize) cholesky_room = nullptr;
  decltype(&cusolverDnXpotrf) cholesky = nullptr;
  decltype(&cusolverDnXtrtri_bufferSize) inverse_room = nullptr;
  decltype(&cusolverDnXtrtri) inverse = nullptr;
  cusolverDnHandle_t handle = nullptr;
  cusolverDnParams_t params = nullptr;
  std::string problem;
};

/// A library by the first of its names that is there.
class Library {
 public:
  Library(std::initializer_list<const char*> names, std::string& problem) : problem_(problem) {
    for (const char* name : names) {
      library_ = library_ == nullptr ? dlopen(name, RTLD_NOW | RTLD_LOCAL) : library_;
    }
    if (library_ == nullptr) {
      problem_ = std::string(*(names.end() - 1)) + " is not on the library path";
    }
  }
  template <class Function>
  void find(const char* name, Function& out) const {
    out = library_ == nullptr ? nullptr : reinterpret_cast<Function>(dlsym(library_, name));
    if (out == nullptr && problem_.empty()) {
      problem_ = std::string("the library lacks ") + name;
    }
  }

 private:
  void* library_ = nullptr;
  std::string& problem_;
};

Products open_products() {
  Products out;
  const Library library({"libcublas.so.13", "libcublas.so.12", "libcublas.so"}, out.problem);
  library.find("cublasCreate_v2", out.create);
  library.find("cublasSetStream_v2", out.set_stream);
  library.find("cublasGemmEx", out.gemm);
  library.find("cublasGemmStridedBatchedEx", out.gemm_batch);
  if (out.problem.empty() && out.create(&out.handle) != CUBLAS_STATUS_SUCCESS) {
    out.problem = "cuBLAS cannot start";
  }
  return out;
}

Factors open_factors() {
  Factors out;
  const Library library({"libcusolver.so.12", "libcusolver.so.11", "libcusolver.so"}, out.problem);
  library.find("cusolverDnCreate", out.create);
  library.find("cusolverDnSetStream", out.set_stream);
  library.find("cusolverDnCreateParams", out.create_params);
  library.find("cusolverDnXpotrf_bufferSize", out.cholesky_room);
  library.find("cusolverDnXpotrf", out.cholesky);
  library.find("cusolverDnXtrtri_bufferSize", out.inverse_room);
  library.find("cusolverDnXtrtri", out.inverse);
  if (out.problem.empty() && (out.create(&out.handle) != CUSOLVER_STATUS_SUCCESS ||
                              out.create_params(&out.params) != CUSOLVER_STATUS_SUCCESS)) {
    out.problem = "cuSOLVER cannot start";
  }
  return out;
}

const Products& products() {
  static const Products loaded = open_products();
  return loaded;
}

/// c (column-major) = alpha a op(b) + beta c, sums in float32.
struct Gemm {
  cublasOperation_t b_operation;
  int m, n, k;
  float alpha;
  const void* a;
  int a_stride;
  const void* b;
  int b_stride;
  cudaDataType_t type;  ///< of a and b
  float* c;
  int c_stride;
  float beta;
  cublasComputeType_t precision = CUBLAS_COMPUTE_32F;
};

const char* multiply_add(const Gemm& g, Stream stream) {
  const Products& lib = products();
  if (!lib.problem.empty()) {
    return lib.problem.c_str();
  }
  const bool is_done =
      lib.set_stream(lib.handle, static_cast<cudaStream_t>(stream)) == CUBLAS_STATUS_SUCCESS &&
      lib.gemm(lib.handle,
               CUBLAS_OP_N,
               g.b_operation,
               g.m,
               g.n,
               g.k,
               &g.alpha,
               g.a,
               g.type,
               g.a_stride,
               g.b,
               g.type,
               g.b_stride,
               &g.beta,
               g.c,
               CUDA_R_32F,
               g.c_stride,
               g.precision,
               CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS;
  return is_done ? nullptr : "cuBLAS refused a product";
}

/// Work space of a call of cuSOLVER, and what it found.
struct Room {
  void* device = nullptr;
  std::size_t device_bytes = 0;
  std::vector<char> host;
  std::size_t host_bytes = 0;
  int* found = nullptr;

  bool take(cudaStream_t stream) {
    host.resize(host_bytes);
    return cudaMallocAsync(&device, device_bytes + 256, stream) == cudaSuccess &&
           cudaMallocAsync(reinterpret_cast<void**>(&found), sizeof(int), stream) == cudaSuccess;
  }
  /// What was found; -1 where it cannot be read.
  int give_back(cudaStream_t stream) {
    int out = -1;
    const bool is_read =
        found != nullptr &&
        cudaMemcpyAsync(&out, found, sizeof out, cudaMemcpyDeviceToHost, stream) == cudaSuccess &&
        cudaStreamSynchronize(stream) == cudaSuccess;
    cudaFreeAsync(device, stream);
    cudaFreeAsync(found, stream);
    return is_read ? out : -1;
  }
};

/// a = R^T R for its upper triangle, column-major.
bool factor(const Factors& lib, double* a, int n, cudaStream_t stream, int& found) {
  Room room;
  const cublasFillMode_t upper = CUBLAS_FILL_MODE_UPPER;
  bool is_done = lib.cholesky_room(lib.handle,
                                   lib.params,
                                   upper,
                                   n,
                                   CUDA_R_64F,
                                   a,
                                   n,
                                   CUDA_R_64F,
                                   &room.device_bytes,
                                   &room.host_bytes) == CUSOLVER_STATUS_SUCCESS &&
                 room.take(stream);
  is_done = is_done && lib.cholesky(lib.handle,
                                    lib.params,
                                    upper,
                                    n,
                                    CUDA_R_64F,
                                    a,
                                    n,
                                    CUDA_R_64F,
                                    room.device,
                                    room.device_bytes,
                                    room.host.data(),
                                    room.host_bytes,
                                    room.found) == CUSOLVER_STATUS_SUCCESS;
  found = room.give_back(stream);
  return is_done && found >= 0;
}

bool invert_triangle(const Factors& lib, double* a, int n, cudaStream_t stream) {
  Room room;
  bool is_done = lib.inverse_room(lib.handle,
                                  CUBLAS_FILL_MODE_UPPER,
                                  CUBLAS_DIAG_NON_UNIT,
                                  n,
                                  CUDA_R_64F,
                                  a,
                                  n,
                                  &room.device_bytes,
                                  &room.host_bytes) == CUSOLVER_STATUS_SUCCESS &&
                 room.take(stream);
  is_done = is_done && lib.inverse(lib.handle,
                                   CUBLAS_FILL_MODE_UPPER,
                                   CUBLAS_DIAG_NON_UNIT,
                                   n,
                                   CUDA_R_64F,
                                   a,
                                   n,
                                   room.device,
                                   room.device_bytes,
                                   room.host.data(),
                                   room.host_bytes,
                                   room.found) == CUSOLVER_STATUS_SUCCESS;
  return room.give_back(stream) == 0 && is_done;
}

}  // namespace

const char* add_gram(const void* x, int n_tokens, float* sum, int n, Stream stream) {
  const auto* const halves = static_cast<const __half*>(x);
  for (int i = 0; i < n; i += kGramColumns) {
    // Rows i … of the moment from column i on: column-major, its columns.
    const char* problem = multiply_add({CUBLAS_OP_T,
                                        n - i,
                                        n - i < kGramColumns ? n - i : kGramColumns,
                                        n_tokens,
                                        1.0F,
                                        halves + i,
                                        n,
                                        halves + i,
                                        n,
                                        CUDA_R_16F,
                                        sum + static_cast<std::size_t>(i) * n + i,
                                        n,
                                        1.0F},
                                       stream);
    if (problem != nullptr) {
      return problem;
    }
  }
  return nullptr;
}

const char* float_product(const ProductTask& task, Stream stream) {
  // c^T = b^T a^T, which is what rows are to cuBLAS.
  return multiply_add({CUBLAS_OP_N,
                       task.cols,
                       task.rows,
                       task.k,
                       task.factor,
                       task.b,
                       task.b_stride,
                       task.a,
                       task.a_stride,
                       CUDA_R_32F,
                       task.c,
                       task.c_stride,
                       task.adds ? 1.0F : 0.0F,
                       task.is_coarse ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F},
                      stream);
}

const char* half_product(const HalfProduct& product, Stream stream) {
  const Products& lib = products();
  if (!lib.problem.empty()) {
    return lib.problem.c_str();
  }
  // c^T = op(b)^T op(a)^T, which is what rows are to cuBLAS.
  const float beta = product.adds ? 1.0F : 0.0F;
  const bool is_done =
      lib.set_stream(lib.handle, static_cast<cudaStream_t>(stream)) == CUBLAS_STATUS_SUCCESS &&
      lib.gemm_batch(lib.handle,
                     product.b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
                     product.a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
                     product.cols,
                     product.rows,
                     product.k,
                     &product.factor,
                     product.b,
                     CUDA_R_16F,
                     product.b_stride,
                     product.b_next,
                     product.a,
                     CUDA_R_16F,
                     product.a_stride,
                     product.a_next,
                     &beta,
                     product.c,
                     product.float_out ? CUDA_R_32F : CUDA_R_16F,
                     product.c_stride,
                     product.c_next,
                     product.n,
                     CUBLAS_COMPUTE_32F,
                     CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS;
  return is_done ? nullptr : "cuBLAS refused a product of halves";
}

const char* invert_factor(double* a, int n, bool* is_definite, Stream stream) {
  static const Factors lib = open_factors();
  if (!lib.problem.empty()) {
    return lib.problem.c_str();
  }
  const auto queue = static_cast<cudaStream_t>(stream);
  int found = 0;
  if (lib.set_stream(lib.handle, queue) != CUSOLVER_STATUS_SUCCESS ||
      !factor(lib, a, n, queue, found)) {
    return "cuSOLVER refused a factorisation";
  }
  *is_definite = found == 0;
  return found != 0 || invert_triangle(lib, a, n, queue) ? nullptr : "cuSOLVER refused an inverse";
}

const QuantizeKernels* quantize_kernels() noexcept {
  static constexpr QuantizeKernels kTable = {.widen = &widen,
                                             .find_not_finite = &find_not_finite,
                                             .narrow_rows = &narrow_rows,
                                             .decode = &decode,
                                             .squared_error = &squared_error,
                                             .pack = &pack,
                                             .to_bytes = &to_bytes,
                                             .hqq_start = &hqq_start,
                                             .hqq_step = &hqq_step,
                                             .hqq_finish = &hqq_finish,
                                             .place_columns = &place_columns,
                                             .static_grids = &static_grids,
                                             .gptq_block = &gptq_block,
                                             .diagonal = &diagonal,
                                             .fill_moment = &fill_moment,
                                             .reverse_factor = &reverse_factor,
                                             .add_gram = &add_gram,
                                             .multiply = &float_product,
                                             .invert_factor = &invert_factor};
  return &kTable;
}

}  // namespace nibble::kernels::cuda
