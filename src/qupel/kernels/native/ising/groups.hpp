// Metropolis sweeps inside groups, whose number of -1 is kept.
#pragma once
#include "form.hpp"

namespace qupel {

// One proposal for each slot of a group: it swaps with a slot of the other spin.
template <class Real>
QUPEL_INLINE int64_t sweep_group(const Form<Real>& form, Chain<Real>& chain, Real temperature,
                                 uint64_t key, int64_t group, int32_t* slots) {
    const int64_t size = form.edges[group + 1] - form.edges[group];
    const int64_t ones = part(form, chain.spin, group, slots);
    int64_t work = size * 8;
    if (ones == 0 || ones == size) return work;
    for (int64_t t = 0; t < size; ++t) {
        const uint64_t random = draw(key, uint64_t(form.edges[group] + t));
        const int64_t a = t < ones ? t : below(random, ones);
        const int64_t b = t < ones ? ones + below(random, size - ones) : t;
        const int64_t i = slots[a], j = slots[b];
        const Real pay = temperature * Real(exponential(uint32_t(random)));
        if (chain.swap_cost(form, i, j) > pay) continue;
        chain.flip(form, i);
        chain.flip(form, j);
        std::swap(slots[a], slots[b]);
        work += form.price(i) + form.price(j);
    }
    return work;
}

}  // namespace qupel
