#include "kernels/avx512/attention_mass.h"

#include "kernels/avx512/attention_isa.h"
#include "kernels/mass/mass_tile.h"

namespace nibble::kernels::avx512 {

const MassKernels kMass = {
    .f32 = sum_masses<Isa, float>, .f16 = sum_masses<Isa, Half>, .coded = sum_coded_masses<Isa>};

}  // namespace nibble::kernels::avx512
