// Simulated annealing: Metropolis sweeps under a falling temperature.
#pragma once
#include "sweep.hpp"

namespace qupel {

struct Cooling {
    double hot, cold;
    int64_t sweeps;

    // Linear in the sweep; the last sweep is at `cold`.
    double temperature(int64_t sweep) const {
        const double left = sweeps > 1 ? double(sweeps - 1 - sweep) / double(sweeps - 1) : 0.0;
        return cold + (hot - cold) * left;
    }
};

// Keep the spins if they are the best of the pass.
template <class Real>
QUPEL_INLINE void keep(const Form<Real>& form, const Chain<Real>& chain, Real* best, double& least) {
    if (!(chain.energy < least)) return;
    least = chain.energy;
    std::memcpy(best, chain.spin, size_t(form.n) * sizeof(Real));
}

template <class Real>
QUPEL_INLINE void anneal(const Form<Real>& form, Chain<Real>& chain, Place& place,
                         const Cooling& cooling, uint64_t key, int64_t budget, Real* best,
                         double& least, int32_t* slots) {
    int64_t work = 0;
    while (place.sweep < cooling.sweeps && work < budget) {
        const Real temperature = Real(cooling.temperature(place.sweep));
        work += 12 + sweep(form, chain, temperature, draw(key, uint64_t(place.sweep)),
                           place.position, budget - work, slots);
        if (place.position < form.n) return;
        place.position = 0;
        ++place.sweep;
        keep(form, chain, best, least);
    }
}

}  // namespace qupel
