// Sweeps inside groups, whose number of -1 is kept.
//
// A group with a single odd spin draws the place of that spin anew from the Boltzmann distribution
// (heat bath). In other groups random pairs are offered a swap; what an offer costs at least, its
// coupling set aside, rules most of them out before that coupling is looked up.
#pragma once
#include "form.hpp"

namespace qupel {

// exp(x) for x <= 0, 0 below -80, relative error below 3e-6: a power of two times a polynomial
// (Taylor series of 2^f to the fifth power at |f| <= 1/2). Plain rounded operations.
QUPEL_INLINE void decay(Floats& out, const Floats& x) {
    const Floats scaled = (x < -80.0f ? -80.0f - Floats{} : x) * 1.44269504f;
    const Ints whole = __builtin_convertvector(scaled - 0.5f, Ints);  // towards 0: nearest
    const Floats f = scaled - __builtin_convertvector(whole, Floats);
    const Floats power =
        1.0f + f * (0.69314718f +
                    f * (0.24022651f + f * (0.05550411f + f * (0.00961813f + f * 0.00133336f))));
    const Ints bits = (whole + 127) << 23;
    Floats scale;
    std::memcpy(&scale, &bits, sizeof scale);
    out = x < -80.0f ? Floats{} : power * scale;
}

// What a group's odd spin would cost at each place, sixteen from `b` on.
template <class Real>
struct Places {
    const Real* local;
    Real twice;  // -2 times the spin of all others
    int64_t end;

    QUPEL_INLINE void costs(typename Wide<Real>::Type& out, int64_t b) const {
        if (b + kLanes <= end) {
            load(out, local + b);
            out *= twice;
            return;
        }
        for (int k = 0; k < kLanes; ++k)
            out[k] = b + k < end ? twice * local[b + k] : Real(INFINITY);
    }

    QUPEL_INLINE void weights(Floats& out, int64_t b, Real least, Real temperature) const {
        typename Wide<Real>::Type cost{};
        costs(cost, b);
        decay(out, __builtin_convertvector((least - cost) / temperature, Floats));
    }
};

// Where the one odd spin of a group goes: place b with a chance proportional to exp(-E_b / T).
template <class Real>
QUPEL_INLINE int64_t settle(const Places<Real>& places, int64_t begin, Real temperature,
                            uint64_t random) {
    typename Wide<Real>::Type low{}, cost{};
    places.costs(low, begin);
    for (int64_t b = begin + kLanes; b < places.end; b += kLanes) {
        places.costs(cost, b);
        low = cost < low ? cost : low;
    }
    Real least = low[0];
    for (int k = 1; k < kLanes; ++k) least = std::min(least, low[k]);
    Floats sums = {}, weights;
    for (int64_t b = begin; b < places.end; b += kLanes) {
        places.weights(weights, b, least, temperature);
        sums += weights;
    }
    double left = 0;
    for (int k = 0; k < kLanes; ++k) left += double(sums[k]);
    left *= double((random >> 11) + 1) * 0x1p-53;
    int64_t last = begin;
    for (int64_t b = begin; b < places.end; b += kLanes) {
        places.weights(weights, b, least, temperature);
        for (int k = 0; k < kLanes; ++k) {
            if (!(weights[k] > 0)) continue;
            last = b + k;
            left -= double(weights[k]);
            if (left <= 0) return last;
        }
    }
    return last;
}

// Heat bath over the places of a group's one odd spin.
template <class Real>
QUPEL_INLINE int64_t sweep_odd(const Form<Real>& form, Chain<Real>& chain, Real temperature,
                               uint64_t random, int64_t begin, int64_t end, Real odd) {
    int64_t from = begin;
    while (chain.spin[from] != odd) ++from;
    const int32_t* row = form.columns + form.starts[from];
    const int32_t* stop = form.columns + form.starts[from + 1];
    const int32_t* first = std::lower_bound(row, stop, int32_t(begin));
    // Members that do not feel the odd spin cost what they cost without it; else it steps aside.
    const bool felt = first != stop && *first < end;
    int64_t work = 20 + 2 * (end - begin);
    if (felt) {
        chain.flip(form, from);
        work += form.price(from);
    }
    const int64_t to =
        settle(Places<Real>{chain.local, Real(2) * odd, end}, begin, temperature, random);
    if (!felt && to == from) return work;
    if (!felt) {
        chain.flip(form, from);
        work += form.price(from);
    }
    chain.flip(form, to);
    return work + form.price(to);
}

// As many offers as the group has members: a random -1 and a random +1 trade places. Both are drawn
// anew for each offer; going through members in order would favour some configurations, since the
// way back would not be offered.
template <class Real>
QUPEL_INLINE int64_t sweep_many(const Form<Real>& form, Chain<Real>& chain, Real temperature,
                                uint64_t key, int64_t begin, int64_t size, int64_t ones,
                                int32_t* slots) {
    int64_t work = size * 4;
    for (int64_t t = 0; t < size; t += kLanes) {
        const int lanes = int(std::min<int64_t>(kLanes, size - t));
        int32_t one[kLanes], other[kLanes];
        Words random = {};
        for (int k = 0; k < lanes; ++k) {
            const uint64_t drawn = draw(key, uint64_t(begin + t + k));
            one[k] = int32_t(below(drawn, ones));
            other[k] = int32_t(ones + below(scramble(drawn), size - ones));
            random[k] = uint32_t(drawn);
        }
        Floats variates;
        exponential<Floats, Ints>(variates, random);
        float pays[kLanes];
        std::memcpy(pays, &variates, sizeof pays);
        for (int k = 0; k < lanes; ++k) {
            const int64_t i = slots[one[k]], j = slots[other[k]];
            const Real pay = temperature * Real(pays[k]);
            const Real apart = chain.cost(i) + chain.cost(j);
            if (apart - Real(4) * form.strongest[i] > pay) continue;
            if (apart - Real(4) * form.coupling(i, j) > pay) continue;
            chain.flip(form, i);
            chain.flip(form, j);
            std::swap(slots[one[k]], slots[other[k]]);
            work += form.price(i) + form.price(j);
        }
    }
    return work;
}

template <class Real>
QUPEL_INLINE int64_t sweep_group(const Form<Real>& form, Chain<Real>& chain, Real temperature,
                                 uint64_t key, int64_t group, int32_t* slots) {
    const int64_t begin = form.edges[group], end = form.edges[group + 1], size = end - begin;
    const int64_t ones = part(form, chain.spin, group, slots);
    if (ones == 0 || ones == size) return 8 + size;
    if (ones == 1 || ones + 1 == size)
        return size + sweep_odd(form, chain, temperature, draw(key, uint64_t(begin)), begin, end,
                                Real(ones == 1 ? -1 : 1));
    return sweep_many(form, chain, temperature, key, begin, size, ones, slots);
}

}  // namespace qupel
