#include "kernels/neon/attention_mass.h"

#include "kernels/mass/mass_tile.h"
#include "kernels/neon/attention_isa.h"

namespace nibble::kernels::neon {

const MassKernels kMass = {
    .f32 = sum_masses<Isa, float>, .f16 = sum_masses<Isa, Half>, .coded = sum_coded_masses<Isa>};

}  // namespace nibble::kernels::neon
