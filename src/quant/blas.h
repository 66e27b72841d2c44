/// The functions of OpenBLAS that we call, from a library that is loaded by the first who needs it.
///
/// Linked, it would start with the program: a thread for each processor, which spins for a tenth of
/// a second before it sleeps, and 40 MB to relocate; and most commands multiply nothing with it.
///
/// OpenBLAS knows processors by model number, and gives one that is newer than itself the kernels
/// of SSE3, a quarter of the speed of AVX-512's. So we name the kernels by what the processor can
/// do, unless OPENBLAS_CORETYPE is set.
///
/// Threads    reentrant; each call stays in the thread that makes it. At most `calls_at_once` calls
///            at a time: the build without threads shares its work space without a lock (two calls
///            at once give wrong sums, seldom and silently), the others have work space for about
///            fifty calls and end the program beyond. Loading writes OPENBLAS_CORETYPE for a while:
///            no other thread may read the environment then
/// Errors     kNotFound where the library or one of its functions is missing
/// Source     OpenBLAS
#pragma once

#include <cblas.h>

#include <cstddef>
#include <string>

namespace nibble::quant {

struct Blas {
  decltype(&cblas_dgemm) dgemm = nullptr;
  decltype(&cblas_sgemm) sgemm = nullptr;
  // LAPACK's Fortran interface, which comes without a header.
  void (*dpotrf)(const char* uplo, const int* n, double* a, const int* lda, int* info) = nullptr;
  void (*dtrtri)(const char* uplo,
                 const char* diag,
                 const int* n,
                 double* a,
                 const int* lda,
                 int* info) = nullptr;
  std::ptrdiff_t calls_at_once = 1;
  std::string core;  ///< whose kernels it uses, in its words: "SkylakeX"
};

/// Loads `file_name`; it stays until the program ends.
Blas load_blas(const char* file_name);

/// The system's OpenBLAS, loaded by the first call.
const Blas& blas();

/// Holds one of the `calls_at_once` places; waits until one is free.
class BlasCall {
 public:
  BlasCall();
  ~BlasCall();
  BlasCall(const BlasCall&) = delete;
  BlasCall& operator=(const BlasCall&) = delete;
};

/// A size as BLAS wants it.
int blas_int(std::size_t n);

}  // namespace nibble::quant
