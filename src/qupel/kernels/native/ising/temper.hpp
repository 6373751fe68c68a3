// Parallel tempering: chains at a ladder of temperatures that exchange their configurations.
#pragma once
#include "anneal.hpp"

namespace qupel {

// Swap neighbours of one ladder, even or odd pairs in turn, by the Metropolis rule on
// (1/T_r - 1/T_s)(E_r - E_s) (Hukushima, Nemoto 1996, doi:10.1143/JPSJ.65.1604).
// `at[r]` is the chain at rung r; only indices move.
inline void exchange(const double* energy, const double* temperature, int32_t* at, int64_t rungs,
                     int64_t turn, uint64_t key, int64_t* exchanges) {
    for (int64_t r = turn & 1; r + 1 < rungs; r += 2) {
        const double gain = (1 / temperature[r] - 1 / temperature[r + 1]) *
                            (energy[at[r]] - energy[at[r + 1]]);
        if (gain < -double(exponential(uint32_t(draw(key, uint64_t(r)) >> 32)))) continue;
        std::swap(at[r], at[r + 1]);
        ++exchanges[r];
    }
}

// Isoenergetic cluster move (Houdayer 2001, doi:10.1007/PL00011151; Zhu, Ochoa, Katzgraber 2015,
// doi:10.1103/PhysRevLett.115.077201): two chains at one temperature trade a connected cluster of
// the spins in which they differ. The sum of their energies stays.
template <class Real>
QUPEL_INLINE void trade_cluster(const Form<Real>& form, Chain<Real>& a, Chain<Real>& b,
                                uint64_t key, int32_t* queue) {
    int64_t seed = below(key, form.n);
    for (int64_t tries = 0; a.spin[seed] == b.spin[seed]; ++tries) {
        if (tries == form.n) return;
        seed = seed + 1 == form.n ? 0 : seed + 1;
    }
    const auto take = [&](int64_t i) {
        a.flip(form, i);
        b.flip(form, i);
    };
    // A taken spin differs still; `queue` beyond n marks what was taken.
    int32_t* taken = queue + form.n;
    int64_t head = 0, tail = 0;
    queue[tail++] = int32_t(seed);
    taken[seed] = 1;
    while (head < tail) {
        const int64_t i = queue[head++];
        for (int64_t e = form.starts[i]; e < form.starts[i + 1]; ++e) {
            const int32_t j = form.columns[e];
            if (taken[j] || a.spin[j] == b.spin[j]) continue;
            taken[j] = 1;
            queue[tail++] = j;
        }
    }
    for (int64_t t = 0; t < tail; ++t) {
        taken[queue[t]] = 0;
        take(queue[t]);
    }
}

}  // namespace qupel
