// States of quantum feature maps, many samples at once.
//
// A panel holds the states of 16 samples (single precision) or 8 (double): 64 bytes are one
// amplitude, real or imaginary, of all of them. Every gate is then plain arithmetic on whole
// registers, whatever its qubit, with its own angle in every lane. Sample s is lane s % lanes of
// panel s / lanes; a panel is its real plane, then its imaginary plane if it has one.
//
// The index of a state is split into low qubits, a block that stays in the first cache, and high
// qubits, taken in columns that are copied into a tile. No sine or cosine is taken here: factors
// come in, tables of their products are made in double precision, and a phase is the product of
// one entry of each of a few tables. That is cheaper than a sine and more accurate in single
// precision, where a phase of a hundred radians has lost six bits before its sine is taken.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace nb = nanobind;

namespace {

constexpr int LOW_QUBITS = 7;
constexpr size_t TILE_COLUMNS = 4;                 // vectors of a block that a tile takes at once
constexpr uint32_t SIGN = uint32_t{1} << 31;       // of a state's source: it comes negated
constexpr size_t BLOCH_RUN = 128;                  // pairs summed before they go to double precision

template <class T>
constexpr size_t LANES = 64 / sizeof(T);

// The qubits of an index, split into low and high ones.
struct Split {
    int low, high;
    size_t block, blocks, states;
    explicit Split(size_t size) {
        int qubits = 0;
        while ((size_t{1} << qubits) < size) ++qubits;
        low = std::min(qubits, LOW_QUBITS);
        high = qubits - low;
        block = size_t{1} << low;
        blocks = size_t{1} << high;
        states = size;
    }
    size_t tile() const { return 2 * blocks * std::min(block, TILE_COLUMNS); }
};

// Tables of the phases of one panel: exp(i phi(z)) = low_table[low] high[high] prod_q cross[high, q],
// the last product over the low qubits q that are one.
template <class T>
struct Phases {
    static constexpr size_t lanes = LANES<T>;
    static constexpr size_t each = 2 * lanes;  // doubles of one complex number a lane
    int low;
    std::vector<T> low_table, high_table, cross_table;
    std::vector<double> work;

    explicit Phases(const Split& split)
        : low(split.low), low_table(split.block * each), high_table(split.blocks * each),
          cross_table(split.blocks * split.low * each),
          work(std::max(split.block, split.blocks) * each) {}

    const T* high(size_t at, int part) const { return high_table.data() + (2 * at + part) * lanes; }
    const T* cross(size_t at, int q, int part) const {
        return cross_table.data() + (2 * (at * low + q) + part) * lanes;
    }

    static void multiply(const double* x, const double* y, double* out) {
        for (size_t k = 0; k < lanes; ++k) {
            const double re = x[k] * y[k] - x[lanes + k] * y[lanes + k];
            out[lanes + k] = x[k] * y[lanes + k] + x[lanes + k] * y[k];
            out[k] = re;
        }
    }

    // Factors of qubit q (i == q) and of the pair i < q.
    static const double* factor(const double* factors, int i, int q) {
        return factors + (static_cast<size_t>(q) * (q + 1) / 2 + i) * each;
    }

    // work[x] = product of the factors of all qubits and pairs that are one in x, from `first` on.
    void quadratic(const double* factors, const double* start, int first, int count) {
        std::copy_n(start, each, work.data());
        for (int q = 0; q < count; ++q) {
            const size_t half = size_t{1} << q;
            double* upper = work.data() + half * each;
            std::copy_n(factor(factors, first + q, first + q), each, upper);
            for (int i = 0; i < q; ++i)
                for (size_t x = 0; x < size_t{1} << i; ++x)
                    multiply(upper + x * each, factor(factors, first + i, first + q),
                             upper + (x + (size_t{1} << i)) * each);
            for (size_t x = 0; x < half; ++x)
                multiply(upper + x * each, work.data() + x * each, upper + x * each);
        }
    }

    // `factors`: of the qubits and pairs, then of the state of all zeros.
    void fill(const double* factors, const Split& split) {
        const int qubits = split.low + split.high;
        std::vector<double> one(each, 0.0);
        std::fill_n(one.begin(), lanes, 1.0);
        quadratic(factors, one.data(), 0, split.low);
        for (size_t x = 0; x < split.block; ++x)
            for (size_t k = 0; k < lanes; ++k) {
                low_table[x * lanes + k] = static_cast<T>(work[x * each + k]);
                low_table[(split.block + x) * lanes + k] = static_cast<T>(work[x * each + lanes + k]);
            }
        quadratic(factors, factor(factors, 0, qubits), split.low, split.high);
        std::copy_n(work.begin(), high_table.size(), high_table.begin());
        for (int q = 0; q < split.low; ++q) {
            std::copy_n(one.data(), each, work.data());
            for (int j = 0; j < split.high; ++j)
                for (size_t x = 0; x < size_t{1} << j; ++x)
                    multiply(work.data() + x * each, factor(factors, q, split.low + j),
                             work.data() + (x + (size_t{1} << j)) * each);
            for (size_t x = 0; x < split.blocks; ++x)
                std::copy_n(work.data() + x * each, each,
                            cross_table.data() + (x * split.low + q) * each);
        }
    }
};

}  // namespace

#define WIDE_LOOPS "feature_states/loops.hpp"
#include "instructions.hpp"

namespace {

// The loops of the best instruction set this processor has.
template <class T>
struct Loops {
    void (*phased)(const Phases<T>&, const Split&, int, T*, T*, T*);
    void (*layered[2])(const T*, int, const uint32_t*, bool, const Split&, T*, T*, T*);
    void (*bloch[2])(const T*, const T*, size_t, int, double*);
};

template <class T>
Loops<T> loops() {
    return widest<Loops<T>>({avx512::phased<T>,
                             {avx512::layered<false, T>, avx512::layered<true, T>},
                             {avx512::bloch<false, T>, avx512::bloch<true, T>}},
                            {avx2::phased<T>,
                             {avx2::layered<false, T>, avx2::layered<true, T>},
                             {avx2::bloch<false, T>, avx2::bloch<true, T>}},
                            {baseline::phased<T>,
                             {baseline::layered<false, T>, baseline::layered<true, T>},
                             {baseline::bloch<false, T>, baseline::bloch<true, T>}});
}

template <class T>
using States = nb::ndarray<T, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
template <class T>
using ReadStates = nb::ndarray<const T, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Factors = nb::ndarray<const double, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
template <class T>
using Gates = nb::ndarray<const T, nb::ndim<5>, nb::c_contig, nb::device::cpu>;
using Sources = nb::ndarray<const uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Room that begins on a cache line.
template <class T>
struct Room {
    std::unique_ptr<T[], void (*)(T*)> data;
    explicit Room(size_t size)
        : data(new (std::align_val_t{64}) T[size],
               [](T* p) { operator delete[](p, std::align_val_t{64}); }) {}
    T* get() const { return data.get(); }
};

template <class T>
void phased(Factors factors, int repetitions, States<T> out, int threads) {
    const nb::gil_scoped_release released;
    const auto run = loops<T>();
    const Split split(out.shape(2));
    const size_t plane = split.states * LANES<T>, each = factors.shape(1) * 2 * LANES<T>;
#pragma omp parallel num_threads(threads)
    {
        Phases<T> phases(split);
        Room<T> tile(split.tile() * LANES<T>);
#pragma omp for schedule(dynamic)
        for (size_t p = 0; p < out.shape(0); ++p) {
            phases.fill(factors.data() + p * each, split);
            T* re = out.data() + 2 * p * plane;
            run.phased(phases, split, repetitions, re, re + plane, tile.get());
        }
    }
}

template <class T>
void layered(Gates<T> gates, Sources sources, bool closed, States<T> out, int threads) {
    const nb::gil_scoped_release released;
    const bool real = out.shape(1) == 1;
    const auto run = loops<T>().layered[real];
    const Split split(out.shape(2));
    const size_t size = out.shape(1) * split.states * LANES<T>;
    const size_t each = gates.shape(1) * gates.shape(2) * 4 * LANES<T>;
#pragma omp parallel num_threads(threads)
    {
        Room<T> spare(size), tile(split.tile() * LANES<T>);
#pragma omp for schedule(dynamic)
        for (size_t p = 0; p < out.shape(0); ++p)
            run(gates.data() + p * each, static_cast<int>(gates.shape(1)), sources.data(), closed,
                split, out.data() + p * size, spare.get(), tile.get());
    }
}

template <class T>
void bloch(ReadStates<T> states, nb::ndarray<double, nb::ndim<4>, nb::c_contig, nb::device::cpu> out,
           int threads) {
    const nb::gil_scoped_release released;
    const bool real = states.shape(1) == 1;
    const auto run = loops<T>().bloch[real];
    const size_t plane = states.shape(2) * LANES<T>, qubits = out.shape(1);
#pragma omp parallel for num_threads(threads) schedule(static) collapse(2)
    for (size_t p = 0; p < states.shape(0); ++p)
        for (size_t q = 0; q < qubits; ++q) {
            const T* re = states.data() + p * states.shape(1) * plane;
            run(re, re + (real ? 0 : plane), states.shape(2), static_cast<int>(q),
                out.data() + (p * qubits + q) * 3 * LANES<T>);
        }
}

template <class T>
void bind(nb::module_& module) {
    module.def("phased", &phased<T>, nb::arg("factors").noconvert(), nb::arg("repetitions"),
               nb::arg("out").noconvert(), nb::arg("threads"));
    module.def("layered", &layered<T>, nb::arg("gates").noconvert(), nb::arg("sources").noconvert(),
               nb::arg("closed"), nb::arg("out").noconvert(), nb::arg("threads"));
    module.def("bloch", &bloch<T>, nb::arg("states").noconvert(), nb::arg("out").noconvert(),
               nb::arg("threads"));
}

}  // namespace

NB_MODULE(_feature_states, module) {
    bind<float>(module);
    bind<double>(module);
    module.def("limit", &limit, nb::arg("level"));
}
