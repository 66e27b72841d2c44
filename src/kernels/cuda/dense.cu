// Dense products by cuBLASLt, which is loaded when the first of them is wanted.
#include <cublasLt.h>
#include <dlfcn.h>

#include <array>
#include <map>
#include <string>
#include <tuple>

#include "kernels/cuda/launches.cuh"

namespace nibble::kernels::cuda {
namespace {

constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;

/// The functions that are called, by their names.
struct Library {
  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtMatmulDescCreate) desc_create = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) desc_set = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) layout_create = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic = nullptr;
  decltype(&cublasLtMatmul) multiply = nullptr;
  cublasLtHandle_t handle = nullptr;
  void* workspace = nullptr;
  std::string problem;
};

template <class Function>
void find(void* library, const char* name, Function& out, std::string& problem) {
  out = reinterpret_cast<Function>(dlsym(library, name));
  if (out == nullptr && problem.empty()) {
    problem = std::string("cuBLASLt lacks ") + name;
  }
}

Library open_library() {
  Library out;
  void* library = nullptr;
  for (const char* name : {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"}) {
    library = library == nullptr ? dlopen(name, RTLD_NOW | RTLD_LOCAL) : library;
  }
  if (library == nullptr) {
    out.problem = "libcublasLt.so is not on the library path";
    return out;
  }
  find(library, "cublasLtCreate", out.create, out.problem);
  find(library, "cublasLtMatmulDescCreate", out.desc_create, out.problem);
  find(library, "cublasLtMatmulDescSetAttribute", out.desc_set, out.problem);
  find(library, "cublasLtMatrixLayoutCreate", out.layout_create, out.problem);
  find(library, "cublasLtMatmulPreferenceCreate", out.preference_create, out.problem);
  find(library, "cublasLtMatmulPreferenceSetAttribute", out.preference_set, out.problem);
  find(library, "cublasLtMatmulAlgoGetHeuristic", out.heuristic, out.problem);
  find(library, "cublasLtMatmul", out.multiply, out.problem);
  if (out.problem.empty() && (out.create(&out.handle) != CUBLAS_STATUS_SUCCESS ||
                              cudaMalloc(&out.workspace, kWorkspaceBytes) != cudaSuccess)) {
    out.problem = "cuBLASLt cannot start";
  }
  return out;
}

/// How one shape is multiplied.
struct Plan {
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t w = nullptr, x = nullptr, y = nullptr;
  cublasLtMatmulHeuristicResult_t algorithm{};
  bool is_ready = false;
};

/// y^T [rows, tokens] = w [rows, cols] x^T, all of them column-major to cuBLAS.
Plan make_plan(const Library& lib, const DenseTask& task) {
  Plan plan;
  const cublasOperation_t transposed = CUBLAS_OP_T;
  const auto rows = static_cast<std::uint64_t>(task.rows),
             cols = static_cast<std::uint64_t>(task.cols);
  const auto tokens = static_cast<std::uint64_t>(task.n_tokens);
  cublasLtMatmulPreference_t preference = nullptr;
  int n_found = 0;
  const bool is_made =
      lib.desc_create(&plan.desc, CUBLAS_COMPUTE_32F, CUDA_R_32F) == CUBLAS_STATUS_SUCCESS &&
      lib.desc_set(plan.desc, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed) ==
          CUBLAS_STATUS_SUCCESS &&
      lib.layout_create(&plan.w, CUDA_R_16F, cols, rows, task.cols) == CUBLAS_STATUS_SUCCESS &&
      lib.layout_create(&plan.x, CUDA_R_16F, cols, tokens, task.x_stride) ==
          CUBLAS_STATUS_SUCCESS &&
      lib.layout_create(
          &plan.y, task.float_out ? CUDA_R_32F : CUDA_R_16F, rows, tokens, task.y_stride) ==
          CUBLAS_STATUS_SUCCESS &&
      lib.preference_create(&preference) == CUBLAS_STATUS_SUCCESS &&
      lib.preference_set(preference,
                         CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                         &kWorkspaceBytes,
                         sizeof kWorkspaceBytes) == CUBLAS_STATUS_SUCCESS;
  plan.is_ready = is_made &&
                  lib.heuristic(lib.handle,
                                plan.desc,
                                plan.w,
                                plan.x,
                                plan.y,
                                plan.y,
                                preference,
                                1,
                                &plan.algorithm,
                                &n_found) == CUBLAS_STATUS_SUCCESS &&
                  n_found == 1;
  return plan;
}

}  // namespace

const char* dense(const DenseTask& task, Stream stream) {
  static const Library lib = open_library();
  if (!lib.problem.empty()) {
    return lib.problem.c_str();
  }
  using Key = std::tuple<int, int, int, int, int, bool>;
  static std::map<Key, Plan> plans;
  const Key key{task.rows, task.cols, task.n_tokens, task.x_stride, task.y_stride, task.float_out};
  auto found = plans.find(key);
  if (found == plans.end()) {
    found = plans.emplace(key, make_plan(lib, task)).first;
  }
  const Plan& plan = found->second;
  if (!plan.is_ready) {
    return "cuBLASLt knows no algorithm for this shape";
  }
  const float one = 1.0F, beta = task.add ? 1.0F : 0.0F;
  const cublasStatus_t status = lib.multiply(lib.handle,
                                             plan.desc,
                                             &one,
                                             task.w,
                                             plan.w,
                                             task.x,
                                             plan.x,
                                             &beta,
                                             task.y,
                                             plan.y,
                                             task.y,
                                             plan.y,
                                             &plan.algorithm.algo,
                                             lib.workspace,
                                             kWorkspaceBytes,
                                             static_cast<cudaStream_t>(stream));
  return status == CUBLAS_STATUS_SUCCESS ? nullptr : "cuBLASLt refused a product";
}

}  // namespace nibble::kernels::cuda
