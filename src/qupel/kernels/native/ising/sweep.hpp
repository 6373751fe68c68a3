// One Metropolis sweep, many spins at a glance.
//
// The exponential threshold of each spin of a block is drawn first; then a bit mask says which
// flips it pays for. After a flip that later lanes feel, their mask is taken anew, so the chain is
// exactly the sequential one. Cold sweeps pass most blocks after one comparison.
#pragma once
#include "groups.hpp"

namespace qupel {

struct Place {  // where a sweep stands: kept between chunks
    int64_t sweep, position;
};

template <class Real>
QUPEL_INLINE int64_t sweep_free(const Form<Real>& form, Chain<Real>& chain, Real temperature,
                                uint64_t key, int64_t& position, int64_t budget) {
    using Reals = typename Wide<Real>::Type;
    const uint32_t before = uint32_t(key), after = uint32_t(key >> 32);
    const Real half = temperature / 2, most = half * Real(kMostExponential);
    const Words lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    int64_t work = 0, b = position;
    for (; b < form.free && work < budget; b += kLanes) {
        work += 12;
        const uint32_t inside = b + kLanes <= form.free ? 0xFFFFu : (1u << (form.free - b)) - 1;
        Reals cost;
        half_costs(cost, chain.spin + b, chain.local + b);
        if (!(mask_of(cost <= most) & inside)) continue;
        Words random = lane + uint32_t(b);
        mix(random, before, after);
        Floats drawn;
        exponential<Floats, Ints>(drawn, random);
        const Reals pay = half * __builtin_convertvector(drawn, Reals);
        uint32_t mask = mask_of(cost <= pay) & inside;
        while (mask) {
            const int k = __builtin_ctz(mask);
            work += form.price(b + k);
            chain.flip(form, b + k);
            mask &= mask - 1;
            if (!form.crowded[b + k]) continue;
            half_costs(cost, chain.spin + b, chain.local + b);
            mask = mask_of(cost <= pay) & inside & ~((2u << k) - 1);
        }
    }
    position = std::min(b, form.free);
    return work;
}

// Go on with a sweep until it is complete (position == n) or the budget of work is spent.
template <class Real>
QUPEL_INLINE int64_t sweep(const Form<Real>& form, Chain<Real>& chain, Real temperature,
                           uint64_t key, int64_t& position, int64_t budget, int32_t* slots) {
    int64_t work = 0;
    if (position < form.free) work = sweep_free(form, chain, temperature, key, position, budget);
    if (position < form.free) return work;
    for (int64_t g = 0; g < form.groups && work < budget; ++g) {
        if (position > form.edges[g]) continue;
        work += sweep_group(form, chain, temperature, key, g, slots);
        position = form.edges[g + 1];
    }
    return work;
}

template <class Real>
QUPEL_INLINE void whole_sweep(const Form<Real>& form, Chain<Real>& chain, Real temperature,
                              uint64_t key, int64_t& work, int32_t* slots) {
    int64_t position = 0;
    work = 60 + sweep(form, chain, temperature, key, position, INT64_MAX, slots);
}

}  // namespace qupel
