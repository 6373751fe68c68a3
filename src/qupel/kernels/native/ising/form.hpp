// An Ising model as the kernels see it, and one configuration of its spins.
#pragma once
#include <algorithm>
#include <cmath>
#include "random.hpp"

namespace qupel {

// Energy sum_i fields[i] s_i + sum_{i<j} J_ij s_i s_j. Spins 0..free-1 flip freely; spins
// edges[g]..edges[g+1]-1 are group g, in which the number of -1 is kept.
template <class Real>
struct Form {
    int64_t n, stride, free, groups;
    const int64_t* starts;   // symmetric CSR
    const int32_t* columns;
    const Real* weights;
    const Real* dense;       // n rows of `stride`, or null
    const Real* fields;
    const int64_t* edges;
    const Real* strongest;   // largest |J_ij| of each row
    const uint8_t* crowded;  // whether a later spin of the same sixteen is a neighbour
    Real tolerance;          // gains below this are rounding

    QUPEL_INLINE Real coupling(int64_t i, int64_t j) const {
        if (dense) return dense[i * stride + j];
        const int32_t* end = columns + starts[i + 1];
        const int32_t* at = std::lower_bound(columns + starts[i], end, int32_t(j));
        return at != end && *at == j ? weights[at - columns] : Real(0);
    }

    // Rough nanoseconds of one flip: what rounds are measured in.
    QUPEL_INLINE int64_t price(int64_t i) const {
        return 6 + (dense ? stride >> 3 : starts[i + 1] - starts[i]);
    }
};

// Spins (numbers +1 and -1) with their local fields, local[i] = fields[i] + sum_j J_ij s_j: a flip
// of i costs -2 s_i local[i].
template <class Real>
struct Chain {
    Real* spin;
    Real* local;
    double energy;

    QUPEL_INLINE Real cost(int64_t i) const { return Real(-2) * spin[i] * local[i]; }

    QUPEL_INLINE void flip(const Form<Real>& form, int64_t i) {
        const Real change = Real(-2) * spin[i];
        energy += double(change * local[i]);
        spin[i] = -spin[i];
        if (form.dense) {
            const Real* __restrict row = form.dense + i * form.stride;
            Real* __restrict out = local;
            for (int64_t j = 0; j < form.stride; ++j) out[j] += change * row[j];
        } else {
            for (int64_t e = form.starts[i]; e < form.starts[i + 1]; ++e)
                local[form.columns[e]] += change * form.weights[e];
        }
    }

    // Cost of flipping i and j, which have opposite spins.
    QUPEL_INLINE Real swap_cost(const Form<Real>& form, int64_t i, int64_t j) const {
        return cost(i) + cost(j) - Real(4) * form.coupling(i, j);
    }
};

// Local fields and energy from the spins alone.
template <class Real>
QUPEL_INLINE void prepare(const Form<Real>& form, Chain<Real>& chain) {
    double twice = 0;
    for (int64_t i = 0; i < form.n; ++i) {
        double sum = 0;
        for (int64_t e = form.starts[i]; e < form.starts[i + 1]; ++e)
            sum += double(form.weights[e]) * chain.spin[form.columns[e]];
        chain.local[i] = Real(form.fields[i] + sum);
        twice += chain.spin[i] * (2.0 * form.fields[i] + sum);
    }
    for (int64_t i = form.n; i < form.stride; ++i) chain.local[i] = 0, chain.spin[i] = 1;
    chain.energy = 0.5 * twice;
}

// The least colour that no earlier neighbour has (greedy colouring in order of index).
inline void colour(const int64_t* starts, const int32_t* columns, int64_t n, int32_t* colours,
                   int64_t* last) {
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t e = starts[i]; e < starts[i + 1]; ++e)
            if (columns[e] < i) last[colours[columns[e]]] = i + 1;
        int32_t c = 0;
        while (last[c] == i + 1) ++c;
        colours[i] = c;
    }
}

// Members of a group, those with spin -1 first; returns how many those are.
template <class Real>
QUPEL_INLINE int64_t part(const Form<Real>& form, const Real* spin, int64_t group, int32_t* slots) {
    const int64_t begin = form.edges[group], end = form.edges[group + 1];
    int64_t ones = 0;
    for (int64_t i = begin; i < end; ++i)
        if (spin[i] < 0) slots[ones++] = int32_t(i);
    int64_t next = ones;
    for (int64_t i = begin; i < end; ++i)
        if (spin[i] > 0) slots[next++] = int32_t(i);
    return ones;
}

}  // namespace qupel
