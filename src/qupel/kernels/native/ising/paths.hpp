// Path-integral Monte Carlo of an Ising model in a transverse field.
//
// Suzuki-Trotter (Suzuki 1976, doi:10.1143/PTP.56.1454): `slices` copies of the classical model at
// temperature slices * T, neighbours in imaginary time tied by a ferromagnetic coupling
// K = -ln(tanh(field / (slices * T))) / 2, periodic. Spins of all slices are one word; local fields
// lie slice beside slice, so that one coupling serves all slices.
#pragma once
#include "bundle.hpp"

namespace qupel {

constexpr int kSlices = 64;  // at most

template <class Real>
struct Paths {
    uint64_t* down;    // n words, bit k set where slice k has -1
    Real* local;       // n rows of `slices`
    double* energies;  // of each slice
    int slices;        // a multiple of 16

    QUPEL_INLINE uint64_t all() const { return slices == 64 ? ~0ull : (1ull << slices) - 1; }
    QUPEL_INLINE uint64_t later(uint64_t word) const {  // bit k takes slice k + 1
        return (word >> 1 | word << (slices - 1)) & all();
    }
};

struct Ties {
    double heat;       // slices * T
    double coupling;   // K
    uint32_t apart;    // 2^32 exp(-2 K): a tie between equal neighbours holds unless drawn below
};

inline Ties ties_of(double temperature, double field, int slices) {
    const double heat = temperature * slices, lost = decay(2 * field / heat);
    const double bound = (1 - lost) / (1 + lost);  // the hyperbolic tangent
    const double coupling = -0.5 * std::log(std::max(bound, 1e-300));
    return {heat, coupling, uint32_t(std::min(bound * 4294967296.0, 4294967295.0))};
}

// Flip spin i in the slices of `flipped`.
template <class Real>
QUPEL_INLINE void flip_slices(const Form<Real>& form, const Paths<Real>& paths, int64_t i,
                              uint64_t flipped) {
    using Reals = typename Wide<Real>::Type;
    Real change[kSlices];
    const uint64_t down = paths.down[i];
    const Real* felt = paths.local + i * paths.slices;
    const Words lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int k = 0; k < paths.slices; k += kLanes) {
        const Ints was = Ints((Words{} + uint32_t(down >> k)) >> lane & 1u);
        const Ints flips = Ints((Words{} + uint32_t(flipped >> k)) >> lane & 1u);
        const Reals twice = __builtin_convertvector((4 * was - 2) * flips, Reals);
        std::memcpy(change + k, &twice, sizeof(twice));
    }
    for (int k = 0; k < paths.slices; ++k) paths.energies[k] += double(change[k] * felt[k]);
    paths.down[i] = down ^ flipped;
    for (int64_t e = form.starts[i]; e < form.starts[i + 1]; ++e) {
        Real* out = paths.local + int64_t(form.columns[e]) * paths.slices;
        const Real weight = form.weights[e];
        for (int k = 0; k < paths.slices; k += kLanes) {
            Reals now, by;
            load(now, out + k);
            load(by, change + k);
            now += weight * by;
            std::memcpy(out + k, &now, sizeof(now));
        }
    }
}

// One spin, its slices in clusters: ties between equal neighbours in imaginary time hold with
// probability 1 - exp(-2 K), and each run of tied slices flips by the Metropolis rule on what it
// costs the model (Swendsen, Wang 1987, doi:10.1103/PhysRevLett.58.86, along one line).
template <class Real>
QUPEL_INLINE uint64_t clusters_to_flip(const Paths<Real>& paths, int64_t i, const Ties& ties,
                                       uint64_t key) {
    const uint64_t down = paths.down[i];
    const Real* felt = paths.local + i * paths.slices;
    uint64_t tied = ~(down ^ paths.later(down)) & paths.all();
    const Words lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    Real cost[kSlices];
    float pay[kSlices];
    for (int k = 0; k < paths.slices; k += kLanes) {
        Words random = lane + uint32_t(k);
        mix(random, uint32_t(key), uint32_t(key >> 32));
        tied &= ~(uint64_t(mask_of(random < ties.apart)) << k);
        Words other = lane + uint32_t(kSlices + k);
        mix(other, uint32_t(key), uint32_t(key >> 32));
        Floats drawn;
        exponential<Floats, Ints>(drawn, other);
        drawn *= float(ties.heat / 2);
        std::memcpy(pay + k, &drawn, sizeof(drawn));
        const Words set = (Words{} + uint32_t(down >> k)) >> lane & 1u;
        typename Wide<Real>::Type felt_here;
        load(felt_here, felt + k);
        felt_here *= __builtin_convertvector(2 * Ints(set) - 1, typename Wide<Real>::Type);
        std::memcpy(cost + k, &felt_here, sizeof(felt_here));
    }
    // Half-costs summed up from slice 0: a run costs a difference.
    double sums[kSlices + 1];
    sums[0] = 0;
    for (int k = 0; k < paths.slices; ++k) sums[k + 1] = sums[k] + double(cost[k]);
    const double whole = sums[paths.slices];
    uint64_t gaps = ~tied & paths.all();
    if (!gaps) return whole <= double(pay[0]) ? paths.all() : 0;
    // The run behind the last gap goes on at slice 0.
    const int last = 63 - __builtin_clzll(gaps);
    uint64_t flipped = 0;
    int begin = last + 1 - paths.slices;
    for (; gaps; gaps &= gaps - 1) {
        const int end = __builtin_ctzll(gaps) + 1;
        const double spent = begin < 0 ? sums[end] + whole - sums[begin + paths.slices]
                                       : sums[end] - sums[begin];
        if (spent <= double(pay[end - 1])) {
            const uint64_t below_end = end == 64 ? ~0ull : (1ull << end) - 1;
            flipped |= begin < 0 ? below_end | (paths.all() & ~0ull << (begin + paths.slices))
                                 : below_end & ~0ull << begin;
        }
        begin = end;
    }
    return flipped;
}

// One spin, slice after slice by the Metropolis rule, neighbours in imaginary time included.
template <class Real>
QUPEL_INLINE uint64_t slices_to_flip(const Paths<Real>& paths, int64_t i, const Ties& ties,
                                     uint64_t key) {
    uint64_t down = paths.down[i];
    const uint64_t before = down;
    const Real* felt = paths.local + i * paths.slices;
    for (int k = 0; k < paths.slices; ++k) {
        const auto spin = [&](int at) { return (down >> at & 1) ? -1.0 : 1.0; };
        const int next = k + 1 == paths.slices ? 0 : k + 1, last = k ? k - 1 : paths.slices - 1;
        const double tied = paths.slices > 1 ? spin(next) + spin(last) : 0.0;
        const double action =
            -2.0 * spin(k) * double(felt[k]) / ties.heat + 2.0 * ties.coupling * spin(k) * tied;
        if (action <= double(exponential(uint32_t(draw(~key, uint64_t(k)) >> 32)))) down ^= 1ull << k;
    }
    return down ^ before;
}

// Visit spins begin..end-1 in order, all slices of each. Returns the work.
template <class Real>
QUPEL_INLINE int64_t sweep_paths(const Form<Real>& form, const Paths<Real>& paths, const Ties& ties,
                                 uint64_t key, int64_t begin, int64_t end, bool clusters) {
    int64_t work = 0;
    for (int64_t i = begin; i < end; ++i) {
        const uint64_t now = draw(key, uint64_t(i));
        const uint64_t flipped = clusters ? clusters_to_flip(paths, i, ties, now)
                                          : slices_to_flip(paths, i, ties, now);
        work += 10 + 2 * paths.slices;
        if (!flipped) continue;
        flip_slices(form, paths, i, flipped);
        work += paths.slices + (form.starts[i + 1] - form.starts[i]) * (1 + paths.slices / 16);
    }
    return work;
}

// Keep the best slice, if it is better than what was kept.
template <class Real>
inline void keep_slice(const Form<Real>& form, const Paths<Real>& paths, int8_t* best, double& least) {
    const int slice = int(std::min_element(paths.energies, paths.energies + paths.slices) - paths.energies);
    if (!(paths.energies[slice] < least)) return;
    least = paths.energies[slice];
    for (int64_t i = 0; i < form.n; ++i) best[i] = int8_t(1 - 2 * int(paths.down[i] >> slice & 1));
}

template <class Real>
inline void prepare(const Form<Real>& form, const Paths<Real>& paths) {
    double twice[kSlices] = {};
    for (int64_t i = 0; i < form.n; ++i) {
        double sum[kSlices] = {};
        for (int64_t e = form.starts[i]; e < form.starts[i + 1]; ++e) {
            const uint64_t down = paths.down[form.columns[e]];
            const double weight = double(form.weights[e]);
            for (int k = 0; k < paths.slices; ++k) sum[k] += weight * (1 - 2 * int(down >> k & 1));
        }
        for (int k = 0; k < paths.slices; ++k) {
            paths.local[i * paths.slices + k] = Real(form.fields[i] + sum[k]);
            twice[k] += (1 - 2 * int(paths.down[i] >> k & 1)) * (2.0 * form.fields[i] + sum[k]);
        }
    }
    for (int k = 0; k < paths.slices; ++k) paths.energies[k] = 0.5 * twice[k];
}

}  // namespace qupel
