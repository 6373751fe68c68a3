// One-flip tabu search: always the cheapest move that is not tabu, however dear.
//
// Where spins have many couplings, every move looks at all costs anew. Where they have few, costs
// are held in `Blocks`, and a move changes only those that it touches.
#pragma once
#include "blocks.hpp"
#include "descend.hpp"

namespace qupel {

struct Trail {
    int64_t step;      // moves made since the walk began
    int64_t improved;  // move at which its best was found
};

// A moved spin rests for base + (high - base) * (share of the walk that is left) moves, and a
// random number below `spread` more. A walk ends after `length` moves, or `patience` in a row that
// brought nothing better.
struct Tenure {
    int64_t base, high, spread, length, patience;

    QUPEL_INLINE int64_t rest(int64_t step, uint64_t random) const {
        const int64_t left = std::max<int64_t>(0, length - step);
        return base + (high - base) * left / std::max<int64_t>(length, 1) + below(random, spread);
    }
    QUPEL_INLINE bool over(const Trail& trail) const {
        return trail.step >= length || trail.step - trail.improved >= patience;
    }
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

// Looks at every cost before every move.
template <class Real>
struct Scanning {
    int32_t* until;

    QUPEL_INLINE void begin(const Form<Real>&, const Chain<Real>&, int64_t) {}
    QUPEL_INLINE int64_t price(const Form<Real>& form) const { return 50 + form.free / 10; }
    QUPEL_INLINE void release(const Chain<Real>&, int32_t) {}
    QUPEL_INLINE Scan<Real> least(const Form<Real>& form, const Chain<Real>& chain, int32_t now,
                                  double) const {
        return scan(form, chain, until, now);
    }
    QUPEL_INLINE int64_t place(const Form<Real>& form, const Chain<Real>& chain, int32_t now,
                               Real cost, bool aspired, uint64_t random) const {
        return find(form, chain, until, now, cost, aspired, random);
    }
    QUPEL_INLINE void flip(const Form<Real>& form, Chain<Real>& chain, int64_t i) const {
        chain.flip(form, i);
    }
    QUPEL_INLINE void rest(const Chain<Real>&, int64_t i, int32_t, int32_t free_from) {
        until[i] = free_from;
    }
};

// Keeps the costs of free spins in blocks, those that are tabu apart, and these also in a
// calendar: lists of spins that may move again at the same step, by step modulo its size.
template <class Real>
struct Calendar {
    Blocks<Real> open, resting;
    int32_t* until;
    int32_t* heads;
    int32_t* next;
    int64_t mask;  // one less than the calendar's size, which exceeds every rest
    int64_t free;
    double reach;  // no half-cost lies below minus this

    QUPEL_INLINE void enter(int64_t i) {
        int32_t& head = heads[until[i] & mask];
        next[i] = head;
        head = int32_t(i);
    }

    QUPEL_INLINE void begin(const Form<Real>& form, const Chain<Real>& chain, int64_t now) {
        std::fill(heads, heads + mask + 1, -1);
        for (int64_t i = 0; i < form.stride; ++i) {
            const Real cost = i < free ? -chain.spin[i] * chain.local[i] : Real(INFINITY);
            const bool rests = i < free && until[i] > now;
            if (rests) enter(i);
            open.costs[i] = rests ? Real(INFINITY) : cost;
            resting.costs[i] = rests ? cost : Real(INFINITY);
        }
        open.build(form.stride);
        resting.build(form.stride);
    }

    QUPEL_INLINE int64_t price(const Form<Real>& form) const {
        return 60 + form.free / 200 + 8 * (form.starts[form.n] / form.n);
    }

    QUPEL_INLINE void release(const Chain<Real>& chain, int32_t now) {
        int32_t& head = heads[now & mask];
        for (int32_t i = head; i >= 0; i = next[i]) {
            resting.set(i, Real(INFINITY));
            open.set(i, -chain.spin[i] * chain.local[i]);
        }
        head = -1;
    }

    // Resting spins are looked at only where one of them could lead below the best.
    QUPEL_INLINE Scan<Real> least(const Form<Real>&, const Chain<Real>& chain, int32_t,
                                  double goal) const {
        const Real least = open.least();
        if (chain.energy - 2 * reach >= goal) return {least, Real(INFINITY)};
        return {least, std::min(least, resting.least())};
    }

    QUPEL_INLINE int64_t place(const Form<Real>&, const Chain<Real>&, int32_t, Real cost,
                               bool aspired, uint64_t random) const {
        return (aspired ? resting : open).find(cost, random);
    }

    QUPEL_INLINE void flip(const Form<Real>& form, Chain<Real>& chain, int64_t i) {
        const Real change = Real(-2) * chain.spin[i];
        chain.energy += double(change * chain.local[i]);
        chain.spin[i] = -chain.spin[i];
        for (int64_t e = form.starts[i]; e < form.starts[i + 1]; ++e) {
            const int64_t j = form.columns[e];
            chain.local[j] += change * form.weights[e];
            if (j >= free) continue;
            const Real cost = -chain.spin[j] * chain.local[j];
            (open.costs[j] < Real(INFINITY) ? open : resting).set(j, cost);
        }
    }

    QUPEL_INLINE void rest(const Chain<Real>& chain, int64_t i, int32_t now, int32_t free_from) {
        const int32_t before = until[i];
        until[i] = free_from;
        if (i >= free) return;
        if (before > now) {  // it moved although it rested
            int32_t* link = &heads[before & mask];
            while (*link != i) link = &next[*link];
            *link = next[i];
        }
        open.set(i, Real(INFINITY));
        resting.set(i, -chain.spin[i] * chain.local[i]);
        enter(i);
    }
};

// Walk until the budget is spent or the walk is over. `until[i]` is the move from which spin i may
// move again. Glover, Lü, Hao 2010 (doi:10.1007/s10288-009-0115-y) for a constant tenure.
template <class Real, class Choice>
QUPEL_INLINE void walk(const Form<Real>& form, Chain<Real>& chain, Choice& choice, int32_t* until,
                       Trail& trail, const Tenure& tenure, uint64_t key, int64_t budget,
                       Real* best, double& least, int32_t* slots, Real* zero) {
    if (tenure.over(trail)) return;
    choice.begin(form, chain, trail.step);
    const int64_t look = choice.price(form);
    bool unsaved = false;  // whether the present spins are the best and not yet written down
    const auto save = [&] {
        if (unsaved) std::memcpy(best, chain.spin, size_t(form.n) * sizeof(Real));
        unsaved = false;
    };
    for (int64_t work = 0; work < budget && !tenure.over(trail); ++trail.step) {
        const int32_t now = int32_t(trail.step);
        const uint64_t random = draw(key, uint64_t(trail.step));
        const double goal = least - double(form.tolerance);
        int64_t flip = -1;
        Swap<Real> swap;
        work += 4;
        if (form.free) {
            choice.release(chain, now);
            const Scan<Real> found = choice.least(form, chain, now, goal);
            const bool aspired = found.any < found.open && chain.energy + 2 * double(found.any) < goal;
            const Real cost = aspired ? found.any : found.open;
            swap.cost = 2 * cost;
            if (cost < Real(INFINITY))
                flip = choice.place(form, chain, now, cost, aspired, random);
            work += look;
        }
        for (int64_t g = 0; g < form.groups; ++g) {
            const auto allowed = [&](int64_t i, int64_t j, Real cost) {
                return (until[i] <= now && until[j] <= now) || chain.energy + double(cost) < goal;
            };
            const Swap<Real> one = best_swap(form, chain, g, random, slots, zero, allowed);
            work += 2 * (form.edges[g + 1] - form.edges[g]) + one.looks;
            if (one.cost < swap.cost || (one.cost == swap.cost && one.i >= 0 && (random >> g & 1)))
                swap = one, flip = -1;
        }
        if (flip < 0 || swap.cost >= 0) save();
        for (const int64_t i : {flip, swap.i, swap.j}) {
            if (i < 0) continue;
            choice.flip(form, chain, i);
            const int64_t rest = tenure.rest(trail.step, draw(random, uint64_t(i)));
            choice.rest(chain, i, now, int32_t(now + 1 + rest));
            work += form.price(i);
        }
        if (chain.energy < goal) {
            least = chain.energy;
            trail.improved = trail.step;
            unsaved = true;
        }
    }
    save();
}

// What `Calendar` works on: costs and minima of both kinds, and lists.
template <class Real>
struct Room {
    Real* costs;  // 2 (stride + width)
    int32_t *heads, *next;
    int64_t mask;
    double reach;
};

// Whether costs are held in blocks: a change of sixteen costs takes about as long as a look at
// fifty.
template <class Real>
QUPEL_INLINE bool holds_costs(const Form<Real>& form) {
    return !form.dense && form.free * form.n > 160 * form.n + 45 * form.starts[form.n];
}

template <class Real>
QUPEL_INLINE void tabu(const Form<Real>& form, Chain<Real>& chain, int32_t* until, Trail& trail,
                       const Tenure& tenure, const Room<Real>& room, uint64_t key, int64_t budget,
                       Real* best, double& least, int32_t* slots, Real* zero) {
    if (holds_costs(form)) {
        const int64_t stride = form.stride, width = Blocks<Real>::width_of(stride);
        Real* const others = room.costs + stride + width;
        Calendar<Real> choice{{room.costs, room.costs + stride, width},
                              {others, others + stride, width},
                              until, room.heads, room.next, room.mask, form.free, room.reach};
        walk(form, chain, choice, until, trail, tenure, key, budget, best, least, slots, zero);
    } else {
        Scanning<Real> choice{until};
        walk(form, chain, choice, until, trail, tenure, key, budget, best, least, slots, zero);
    }
}

}  // namespace qupel
