#include "quant/blas.h"

#include <dlfcn.h>

#include <cstdlib>
#include <limits>
#include <semaphore>

#include "base/check.h"
#include "base/error.h"

namespace nibble::quant {
namespace {

constexpr const char* kCoreVariable = "OPENBLAS_CORETYPE";

/// OpenBLAS's name for the kernels that fit this processor; nullptr where its own choice stands.
const char* core_for_processor() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return "SkylakeX";
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return __builtin_cpu_is("amd") ? "Zen" : "Haswell";
  }
#endif
  return nullptr;
}

/// Names the kernels in the environment, where OpenBLAS looks while it is loaded; a name that the
/// user has set stands. Programs that we start later do not inherit ours.
class CoreChoice {
 public:
  CoreChoice() : is_ours_(core_for_processor() != nullptr && !std::getenv(kCoreVariable)) {
    if (is_ours_) {
      ::setenv(kCoreVariable, core_for_processor(), 1);
    }
  }
  ~CoreChoice() {
    if (is_ours_) {
      ::unsetenv(kCoreVariable);
    }
  }
  CoreChoice(const CoreChoice&) = delete;
  CoreChoice& operator=(const CoreChoice&) = delete;

 private:
  bool is_ours_;
};

class Library {
 public:
  explicit Library(const char* file_name)
      : file_name_(file_name), handle_(::dlopen(file_name, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) {
      raise(ErrorCode::kNotFound,
            "OpenBLAS, which calibrated methods need, cannot be loaded: {}",
            ::dlerror());
    }
  }

  template <class Function>
  void find(const char* name, Function*& out) const {
    out = reinterpret_cast<Function*>(::dlsym(handle_, name));
    if (out == nullptr) {
      raise(ErrorCode::kNotFound, "{}: no function {}, which OpenBLAS has", file_name_, name);
    }
  }

 private:
  const char* file_name_;
  void* handle_;
};

std::counting_semaphore<>& call_slots() {
  static std::counting_semaphore<> slots(blas().calls_at_once);
  return slots;
}

}  // namespace

Blas load_blas(const char* file_name) {
  const CoreChoice choice;
  const Library library(file_name);
  Blas out;
  library.find("cblas_dgemm", out.dgemm);
  library.find("cblas_sgemm", out.sgemm);
  library.find("dpotrf_", out.dpotrf);
  library.find("dtrtri_", out.dtrtri);
  decltype(&openblas_get_corename) get_core = nullptr;
  decltype(&openblas_get_parallel) get_parallel = nullptr;
  decltype(&openblas_set_num_threads) set_num_threads = nullptr;
  library.find("openblas_get_corename", get_core);
  library.find("openblas_get_parallel", get_parallel);
  library.find("openblas_set_num_threads", set_num_threads);
  out.core = get_core();
  if (get_parallel() != OPENBLAS_SEQUENTIAL) {
    set_num_threads(1);
    out.calls_at_once = 32;
  }
  return out;
}

const Blas& blas() {
  static const Blas loaded = load_blas("libopenblas.so.0");
  return loaded;
}

BlasCall::BlasCall() {
  call_slots().acquire();
}

BlasCall::~BlasCall() {
  call_slots().release();
}

int blas_int(std::size_t n) {
  NIBBLE_CHECK(n <= static_cast<std::size_t>(std::numeric_limits<int>::max()),
               "a matrix too large for BLAS");
  return static_cast<int>(n);
}

}  // namespace nibble::quant
