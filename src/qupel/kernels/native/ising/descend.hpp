// Descent to a local minimum, and local search: kick, descend, take back what was worse.
#pragma once
#include "sweep.hpp"

namespace qupel {

template <class Real>
struct Swap {
    int64_t i = -1, j = -1;
    Real cost = Real(INFINITY);
    int64_t looks = 0;  // pairs that were looked at
};

// The cheapest swap of a group that `allowed(i, j, cost)` lets pass; ties are broken by `key`.
// `slots` and `zero` are scratch of the group's size. Pairs are passed over as soon as the
// strongest coupling of the row could not make them cheapest.
template <class Real, class Allowed>
QUPEL_INLINE Swap<Real> best_swap(const Form<Real>& form, const Chain<Real>& chain, int64_t group,
                                  uint64_t key, int32_t* slots, Real* zero, Allowed allowed) {
    const int64_t size = form.edges[group + 1] - form.edges[group];
    const int64_t ones = part(form, chain.spin, group, slots);
    Real least = Real(INFINITY);
    for (int64_t t = ones; t < size; ++t) {
        zero[t] = chain.cost(slots[t]);
        least = std::min(least, zero[t]);
    }
    Swap<Real> best;
    for (int64_t a = 0; a < ones; ++a) {
        const int64_t i = slots[a];
        const Real reach = chain.cost(i) - 4 * form.strongest[i];
        if (reach + least > best.cost) continue;
        best.looks += size - ones;
        for (int64_t t = ones; t < size; ++t) {
            if (reach + zero[t] > best.cost) continue;
            const int64_t j = slots[t];
            const Real cost = chain.cost(i) + zero[t] - 4 * form.coupling(i, j);
            if (cost > best.cost || !allowed(i, j, cost)) continue;
            if (cost == best.cost && (draw(key, uint64_t(i * form.n + j)) & 1)) continue;
            best = {i, j, cost, best.looks};
        }
    }
    return best;
}

// Flip and swap while the energy falls, spins in turn. `log(i)` hears of every flip and says
// whether to go on. Returns the work done.
template <class Real, class Log>
QUPEL_INLINE int64_t descend(const Form<Real>& form, Chain<Real>& chain, uint64_t key,
                             int32_t* slots, Real* zero, Log log) {
    typename Wide<Real>::Type cost;
    const Real gain = -form.tolerance / 2;
    int64_t work = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int64_t b = 0; b < form.free; b += kLanes) {
            work += 3;
            uint32_t later = b + kLanes <= form.free ? 0xFFFFu : (1u << (form.free - b)) - 1;
            for (;;) {
                half_costs(cost, chain.spin + b, chain.local + b);
                const uint32_t mask = mask_of(cost < gain) & later;
                if (!mask) break;
                const int k = __builtin_ctz(mask);
                work += form.price(b + k);
                chain.flip(form, b + k);
                moved = true;
                if (!log(b + k)) return work;
                later &= ~((2u << k) - 1);
            }
        }
        for (int64_t g = 0; g < form.groups; ++g) {
            const Swap<Real> swap = best_swap(form, chain, g, key, slots, zero,
                                              [](int64_t, int64_t, Real) { return true; });
            work += 2 * (form.edges[g + 1] - form.edges[g]) + swap.looks;
            if (!(swap.cost < -form.tolerance)) continue;
            work += form.price(swap.i) + form.price(swap.j);
            chain.flip(form, swap.i);
            chain.flip(form, swap.j);
            moved = true;
            if (!log(swap.i) || !log(swap.j)) return work;
        }
    }
    return work;
}

// Flip whatever lowers the energy most until nothing does, at most `moves` times.
// `done` says whether a local minimum was reached.
template <class Real>
QUPEL_INLINE void steepest(const Form<Real>& form, Chain<Real>& chain, uint64_t key, int64_t moves,
                           int32_t* slots, Real* zero, bool& done) {
    done = false;
    for (int64_t m = 0; m < moves; ++m) {
        int64_t flip = -1;
        Swap<Real> swap;
        Real least = -form.tolerance;
        for (int64_t i = 0; i < form.free; ++i)
            if (chain.cost(i) < least) flip = i, least = chain.cost(i);
        for (int64_t g = 0; g < form.groups; ++g) {
            const Swap<Real> one = best_swap(form, chain, g, key, slots, zero,
                                             [](int64_t, int64_t, Real) { return true; });
            if (one.cost < least) swap = one, least = one.cost, flip = -1;
        }
        if (swap.i >= 0) {
            chain.flip(form, swap.i);
            chain.flip(form, swap.j);
        } else if (flip >= 0) {
            chain.flip(form, flip);
        } else {
            done = true;
            return;
        }
    }
}

// Iterated local search (Lourenço, Martin, Stützle 2003, doi:10.1007/0-306-48056-5_11) with
// local kicks: a random walk over couplings from a random spin, or random swaps in a group.
// `place.sweep` counts kicks. `journal` holds `room` flips to take back.
template <class Real>
QUPEL_INLINE void wander(const Form<Real>& form, Chain<Real>& chain, Place& place, int64_t most,
                         uint64_t key, int64_t budget, Real* best, double& least, int32_t* slots,
                         Real* zero, int32_t* journal, int64_t room) {
    for (int64_t work = 0; work < budget; ++place.sweep) {
        const uint64_t now = draw(key, uint64_t(place.sweep));
        const double before = chain.energy;
        int64_t written = 0;
        const auto log = [&](int64_t i) {
            journal[written++] = int32_t(i);
            return written + 2 <= room;
        };
        int64_t i = below(draw(now, 0), form.n);
        const int64_t kicks = 1 + below(draw(now, 1), most);
        for (int64_t kick = 0; kick < kicks; ++kick) {
            const uint64_t random = draw(now, uint64_t(2 + kick));
            if (i < form.free) {
                work += form.price(i);
                chain.flip(form, i);
                log(i);
                const int64_t degree = form.starts[i + 1] - form.starts[i];
                i = degree ? form.columns[form.starts[i] + below(random, degree)]
                           : below(random, form.n);
            } else {
                const int64_t g = std::upper_bound(form.edges, form.edges + form.groups, i) - form.edges - 1;
                const int64_t size = form.edges[g + 1] - form.edges[g];
                const int64_t ones = part(form, chain.spin, g, slots);
                work += size;
                if (ones > 0 && ones < size) {
                    const int64_t one = slots[below(random, ones)];
                    const int64_t other = slots[ones + below(random << 32, size - ones)];
                    chain.flip(form, one);
                    chain.flip(form, other);
                    log(one);
                    log(other);
                }
                i = below(scramble(random), form.n);
            }
        }
        work += 20 + descend(form, chain, now, slots, zero, log);
        if (chain.energy > before + double(form.tolerance)) {
            while (written) chain.flip(form, journal[--written]);
            chain.energy = before;
        } else if (chain.energy < least) {
            least = chain.energy;
            std::memcpy(best, chain.spin, size_t(form.n) * sizeof(Real));
        }
    }
}

}  // namespace qupel
