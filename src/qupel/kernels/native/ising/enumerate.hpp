// Every configuration, in Gray-code order, sixteen at a time.
//
// Four spins are told apart by lane; the others walk through the reflected Gray code. When spin i
// flips, the spins below it always stand alike (i-1 at -1, the rest at +1), so only a flip of a
// higher spin changes what spin i will feel: i updates after a flip of spin i, one a step on
// average.
#pragma once
#include "form.hpp"

namespace qupel {

constexpr int kWays = 16;

struct Found {  // buffer of configurations that are good enough
    uint64_t* state;
    double* energy;
    int64_t size, room;
    double limit;  // energies below this are kept
};

// Energies of the lanes at a code, and what each walking spin feels when it flips: fields, higher
// spins as they stand, lower ones as they will.
inline void anchor(const double* fields, const double* couplings, int64_t n, uint64_t code,
                   double* energy, double* felt) {
    const int64_t walk = n - 4;
    for (int k = 0; k < kWays; ++k) {
        const uint64_t state = (code ^ (code >> 1)) | uint64_t(k) << walk;
        const auto spin = [&](int64_t i) { return state >> i & 1 ? -1.0 : 1.0; };
        double sum = 0;
        for (int64_t i = 0; i < n; ++i) {
            double higher = fields[i], lower = 0;
            for (int64_t j = i + 1; j < n; ++j) higher += couplings[i * n + j] * spin(j);
            sum += spin(i) * higher;
            for (int64_t j = 0; j < i; ++j) lower += couplings[i * n + j] * (j == i - 1 ? -1.0 : 1.0);
            if (i < walk) felt[i * kWays + k] = higher + lower;
        }
        energy[k] = sum;
    }
}

// Walk over codes `from`..`until`-1 of `walk` spins; lane spins are the four above them.
// `energy` and `felt` (walk * kWays) are scratch. Returns the next code: less than `until` if the
// buffer is full.
QUPEL_INLINE uint64_t enumerate(const double* fields, const double* couplings, int64_t n,
                                double* energy, double* felt, uint64_t from, uint64_t until,
                                Found& found) {
    const int64_t walk = n - 4;
    anchor(fields, couplings, n, from ? from - 1 : 0, energy, felt);
    uint64_t code = from;
    for (; code < until; ++code) {
        if (found.size + kWays > found.room) return code;
        if (code != 0) {
            // Flip the spin at the lowest one bit of the code's number.
            const int i = __builtin_ctzll(code);
            const uint64_t gray = code ^ (code >> 1);
            const double old = (gray >> i & 1) ? 1.0 : -1.0;  // before the flip
            const double* field = felt + i * kWays;
            const double change = -2.0 * old;
            for (int k = 0; k < kWays; ++k) energy[k] += change * field[k];
            const double* row = couplings + i * n;
            for (int j = 0; j < i; ++j) {
                const double shift = change * row[j];
                for (int k = 0; k < kWays; ++k) felt[j * kWays + k] += shift;
            }
        }
        bool good = false;
        for (int k = 0; k < kWays; ++k) good |= energy[k] < found.limit;
        if (!good) continue;
        const uint64_t gray = code ^ (code >> 1);
        for (int k = 0; k < kWays; ++k)
            if (energy[k] < found.limit) {
                found.state[found.size] = gray | uint64_t(k) << walk;
                found.energy[found.size++] = energy[k];
            }
    }
    return code;
}

// The next configuration that keeps every quota: an odometer whose digits are the free spins and
// then one combination a group, in lexicographic order. `chosen` holds the members of each group
// that are -1, ascending, at the group's place. Returns false after the last one.
template <class Real>
QUPEL_INLINE bool advance(const Form<Real>& form, Chain<Real>& chain, const int64_t* counts,
                          int32_t* chosen, int64_t& work) {
    for (int64_t i = 0; i < form.free; ++i) {
        work += form.price(i);
        chain.flip(form, i);
        if (chain.spin[i] < 0) return true;
    }
    for (int64_t g = 0; g < form.groups; ++g) {
        const int64_t begin = form.edges[g], end = form.edges[g + 1], count = counts[g];
        int32_t* pick = chosen + begin;
        int64_t last = count - 1;
        while (last >= 0 && pick[last] == int32_t(end - count + last)) --last;
        const int64_t from = std::max<int64_t>(last, 0);
        int32_t next = last < 0 ? int32_t(begin) : pick[last] + 1;
        const auto turn = [&](int64_t i) {
            work += form.price(i);
            chain.flip(form, i);
        };
        for (int64_t t = from; t < count; ++t) turn(pick[t]);
        for (int64_t t = from; t < count; ++t) turn(pick[t] = next++);
        if (last >= 0) return true;
    }
    return false;
}

}  // namespace qupel
