// One-flip tabu search: always the cheapest move that is not tabu, however dear.
#pragma once
#include "descend.hpp"

namespace qupel {

struct Trail {
    int64_t step;      // moves made since the walk began
    int64_t improved;  // move at which its best was found
};

template <class Real>
struct Scan {
    Real open, any;  // least half-cost among spins that are not tabu, and among all
};

template <class Real>
QUPEL_INLINE Scan<Real> scan(const Form<Real>& form, const Chain<Real>& chain,
                             const int32_t* until, int32_t now) {
    using Reals = typename Wide<Real>::Type;
    const Real far = Real(INFINITY);
    Reals open = far - Reals{}, any = open, cost;
    int64_t b = 0;
    for (; b + kLanes <= form.free; b += kLanes) {
        half_costs(cost, chain.spin + b, chain.local + b);
        Ints free_from;
        load(free_from, until + b);
        const auto ready = __builtin_convertvector(free_from <= now, decltype(cost < cost));
        any = cost < any ? cost : any;
        const Reals allowed = ready ? cost : far - Reals{};
        open = allowed < open ? allowed : open;
    }
    Scan<Real> least{far, far};
    for (; b < form.free; ++b) {
        const Real one = -chain.spin[b] * chain.local[b];
        least.any = std::min(least.any, one);
        if (until[b] <= now) least.open = std::min(least.open, one);
    }
    for (int k = 0; k < kLanes; ++k) {
        least.any = std::min(least.any, any[k]);
        least.open = std::min(least.open, open[k]);
    }
    return least;
}

// A spin of this half-cost, the first from a random place on, so that ties fall fairly.
template <class Real>
QUPEL_INLINE int64_t find(const Form<Real>& form, const Chain<Real>& chain, const int32_t* until,
                          int32_t now, Real cost, bool aspired, uint64_t random) {
    const int64_t blocks = (form.free + kLanes - 1) / kLanes;
    int64_t block = below(random, blocks);
    for (int64_t turn = 0; turn <= blocks; ++turn, block = block + 1 == blocks ? 0 : block + 1) {
        const int64_t b = block * kLanes, size = std::min<int64_t>(kLanes, form.free - b);
        typename Wide<Real>::Type found;
        half_costs(found, chain.spin + b, chain.local + b);
        Ints free_from;
        load(free_from, until + b);
        uint32_t mask = mask_of(found == cost);
        if (!aspired) mask &= mask_of(free_from <= now);
        mask &= (1u << size) - 1;
        if (!mask) continue;
        const uint32_t from = uint32_t(random & (kLanes - 1));
        const uint32_t upper = mask >> from << from;
        return b + __builtin_ctz(upper ? upper : mask);
    }
    return -1;
}

// Walk until the budget is spent or `patience` moves in a row brought nothing better.
// `until[i]` is the move from which spin i may move again. Glover, Lü, Hao 2010
// (doi:10.1007/s10288-009-0115-y): tenure = base + a random number below `spread`.
template <class Real>
QUPEL_INLINE void tabu(const Form<Real>& form, Chain<Real>& chain, int32_t* until, Trail& trail,
                       int64_t base, int64_t spread, int64_t patience, uint64_t key,
                       int64_t budget, Real* best, double& least, int32_t* slots, Real* zero) {
    const int64_t look = 8 + form.free / 5;
    for (int64_t work = 0; work < budget && trail.step - trail.improved < patience; ++trail.step) {
        const int32_t now = int32_t(trail.step);
        const uint64_t random = draw(key, uint64_t(trail.step));
        const double goal = least - double(form.tolerance);
        int64_t flip = -1;
        Swap<Real> swap;
        if (form.free) {
            const Scan<Real> found = scan(form, chain, until, now);
            const bool aspired = found.any < found.open && chain.energy + 2 * double(found.any) < goal;
            const Real cost = aspired ? found.any : found.open;
            swap.cost = 2 * cost;
            if (cost < Real(INFINITY)) flip = find(form, chain, until, now, cost, aspired, random);
            work += look;
        }
        for (int64_t g = 0; g < form.groups; ++g) {
            const auto allowed = [&](int64_t i, int64_t j, Real cost) {
                return (until[i] <= now && until[j] <= now) || chain.energy + double(cost) < goal;
            };
            const Swap<Real> one = best_swap(form, chain, g, random, slots, zero, allowed);
            work += 2 * (form.edges[g + 1] - form.edges[g]);
            if (one.cost < swap.cost || (one.cost == swap.cost && one.i >= 0 && (random >> g & 1)))
                swap = one, flip = -1;
        }
        for (const int64_t i : {flip, swap.i, swap.j}) {
            if (i < 0) continue;
            chain.flip(form, i);
            until[i] = int32_t(now + 1 + base + below(draw(random, uint64_t(i)), spread));
            work += form.price(i);
        }
        if (chain.energy < goal) {
            least = chain.energy;
            trail.improved = trail.step;
            std::memcpy(best, chain.spin, size_t(form.n) * sizeof(Real));
        }
    }
}

}  // namespace qupel
