// Region by region, the better of two configurations.
//
// Where two configurations differ, spins that neither feel each other nor share a group form
// regions, each of which may be taken from either without regard to the others (Tinós, Whitley,
// Chicano 2015, doi:10.1145/2725494.2725497, for two parents; here one is improved in place).
#pragma once
#include "form.hpp"

namespace qupel {

// Take over into `home` each region of `guest` (of its mirror image, all spins flipped, if
// `mirrored`) that is no worse there. `queue` and `seen` are scratch of n. `regions` counts
// them.
template <class Real>
QUPEL_INLINE void graft(const Form<Real>& form, Chain<Real>& home, const Real* guest,
                        bool mirrored, int32_t* queue, uint8_t* seen,
                        int64_t& regions) {
    const Real sign = mirrored ? Real(-1) : Real(1);
    const auto differs = [&](int64_t i) { return sign * guest[i] != home.spin[i]; };
    std::memset(seen, 0, size_t(form.n));
    regions = 0;
    for (int64_t seed = 0; seed < form.n; ++seed) {
        if (seen[seed] || !differs(seed)) continue;
        int64_t tail = 0;
        double change = 0;
        const auto add = [&](int64_t j) {
            if (seen[j]) return;
            seen[j] = 1;
            queue[tail++] = int32_t(j);
        };
        add(seed);
        for (int64_t head = 0; head < tail; ++head) {
            const int64_t i = queue[head];
            double inner = 0;
            for (int64_t e = form.starts[i]; e < form.starts[i + 1]; ++e) {
                const int32_t j = form.columns[e];
                if (!differs(j)) continue;
                inner += double(form.weights[e]) * home.spin[j];
                add(j);
            }
            change -= 2 * home.spin[i] * (home.local[i] - inner);
            if (i < form.free) continue;
            const int64_t* end = form.edges + form.groups;
            const int64_t* group = std::upper_bound(form.edges, end, i) - 1;
            for (int64_t j = group[0]; j < group[1]; ++j)
                if (differs(j)) add(j);
        }
        ++regions;
        if (change > double(form.tolerance)) continue;
        for (int64_t t = 0; t < tail; ++t) home.flip(form, queue[t]);
    }
}

}  // namespace qupel
