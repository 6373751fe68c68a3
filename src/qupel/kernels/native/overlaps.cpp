// Squared overlaps of two sets of states: |<b_j|a_i>|^2 for all i and j.
//
// States come in panels (see feature_states.cpp): 64 bytes hold one amplitude of 16 or 8 samples,
// so a panel is the packed operand of a matrix product as it stands. Three real products give the
// complex one:
//
//     T1 = Re a Re b,  T2 = Im a Im b,  T3 = (Re a + Im a)(Re b - Im b),
//     Re <b|a> = T1 + T2,  Im <b|a> = T3 - T1 + T2.
//
// Samples go in blocks, each the work of one thread from beginning to end; states in slabs of
// DEPTH, of which a strip of panels stays in the second cache. Within a slab sums are chains of
// fused multiply-adds in the states' own precision; slabs are added in double precision, in order.
// Every entry is therefore the same for any number of threads and any other samples, with AVX-512
// and with AVX2, bit for bit; the baseline rounds products, too.
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

constexpr size_t DEPTH = 256;  // states a slab
constexpr size_t MOST = 512;   // samples a block, from FEWEST to MOST
constexpr size_t FEWEST = 64;
constexpr size_t GROUP = 8;    // panels of one strip: with their slabs, they stay in the second cache

template <class T>
constexpr size_t LANES = 64 / sizeof(T);
template <class T>
constexpr size_t SLAB = DEPTH * LANES<T>;  // numbers of one panel and part in a slab

}  // namespace

#define WIDE_LOOPS "overlaps/tiles.hpp"
#include "instructions.hpp"

namespace {

template <class T>
struct Loops {
    void (*pack)(const T*, const T*, size_t, T*);
    void (*strip)(const T*, size_t, size_t, const T*, size_t, bool, double*, double*, size_t);
};

template <class T>
Loops<T> loops() {
    return widest<Loops<T>>({avx512::pack<T>, avx512::strip<T>}, {avx2::pack<T>, avx2::strip<T>},
                            {baseline::pack<T>, baseline::strip<T>});
}

template <class T>
using States = nb::ndarray<const T, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Matrix = nb::ndarray<double, nb::ndim<2>, nb::device::cpu>;

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
struct Side {
    const T* data;
    size_t samples, states;
    bool real;
    // Panels of the block of samples that begins at `first`.
    size_t panels(size_t first, size_t block) const {
        return (std::min(samples - first, block) + LANES<T> - 1) / LANES<T>;
    }
    void pack(const Loops<T>& run, size_t first, size_t panels, size_t k, size_t depth, T* to) const {
        const size_t plane = states * LANES<T>;
        for (size_t p = 0; p < panels; ++p) {
            const T* re = data + (first / LANES<T> + p) * (real ? 1 : 2) * plane + k * LANES<T>;
            run.pack(re, real ? nullptr : re + plane, depth, to + p * 4 * SLAB<T>);
        }
    }
};

// A block of the matrix: samples i0 on of a, j0 on of b.
struct Task {
    size_t i0, j0;
    bool square;  // on the diagonal: half the work
};

// The largest blocks that keep all threads busy; entries do not depend on them.
size_t block_size(size_t rows, size_t columns, bool same, size_t threads) {
    for (size_t block = MOST; block > FEWEST; block /= 2) {
        const size_t tasks = ((rows + block - 1) / block) * ((columns + block - 1) / block);
        if (tasks / (same ? 2 : 1) >= threads || threads == 1) return block;
    }
    return FEWEST;
}

// Slabs and sums of one thread.
template <class T>
struct Work {
    Room<T> a, b;
    Room<double> re, im;
    Work(size_t block, bool real)
        : a(4 * block * DEPTH), b(4 * block * DEPTH), re(block * block),
          im(real ? 1 : block * block) {}
};

template <class T>
void compute(const Loops<T>& run, const Side<T>& a, const Side<T>& b, const Task& task,
             size_t block, bool same, const Work<T>& work, Matrix& out) {
    const size_t rows = a.panels(task.i0, block), columns = b.panels(task.j0, block);
    const size_t stride = rows * LANES<T>;
    double *const re = work.re.get(), *const im = work.im.get();
    T *const left = work.a.get(), *const right = task.square ? left : work.b.get();
    std::fill_n(re, stride * columns * LANES<T>, 0.0);
    if (!a.real) std::fill_n(im, stride * columns * LANES<T>, 0.0);
    for (size_t k = 0; k < a.states; k += DEPTH) {
        const size_t depth = std::min(DEPTH, a.states - k);
        a.pack(run, task.i0, rows, k, depth, left);
        if (!task.square) b.pack(run, task.j0, columns, k, depth, right);
        for (size_t group = 0; group < rows; group += GROUP)
            for (size_t c = 0; c < columns; ++c) {
                const size_t first = task.square ? std::max(group, c) : group;
                const size_t at = c * LANES<T> * stride;
                run.strip(left, first, std::min(group + GROUP, rows), right + c * 4 * SLAB<T>, depth,
                          a.real, re + at, a.real ? im : im + at, stride);
            }
    }
    const size_t i_end = std::min(a.samples - task.i0, block);
    const size_t j_end = std::min(b.samples - task.j0, block);
    for (size_t j = 0; j < j_end; ++j)
        for (size_t i = task.square ? j : 0; i < i_end; ++i) {
            const double x = re[j * stride + i], y = a.real ? 0.0 : im[j * stride + i];
            const double fidelity = std::min(1.0, x * x + y * y);
            out(task.j0 + j, task.i0 + i) = fidelity;
            if (same) out(task.i0 + i, task.j0 + j) = fidelity;
        }
}

// out[j, i] = |<b_j|a_i>|^2. With `same`, a and b are one set: i >= j is computed, the rest mirrored.
template <class T>
void fidelities(States<T> a_states, size_t a_samples, States<T> b_states, size_t b_samples,
                bool same, Matrix out, int threads) {
    const nb::gil_scoped_release released;
    const auto run = loops<T>();
    const bool real = a_states.shape(1) == 1;
    const Side<T> a{a_states.data(), a_samples, a_states.shape(2), real};
    const Side<T> b{b_states.data(), b_samples, b_states.shape(2), real};
    const size_t block = block_size(a_samples, b_samples, same, static_cast<size_t>(threads));
    std::vector<Task> tasks;
    for (size_t j = 0; j < b_samples; j += block)
        for (size_t i = same ? j : 0; i < a_samples; i += block) tasks.push_back({i, j, same && i == j});
    // Long tasks first, so that no thread waits long for the last one.
    std::stable_partition(tasks.begin(), tasks.end(), [](const Task& task) { return !task.square; });
#pragma omp parallel num_threads(threads)
    {
        const Work<T> work(std::min(block, (std::max(a_samples, b_samples) + 15) / 16 * 16), real);
#pragma omp for schedule(dynamic)
        for (size_t t = 0; t < tasks.size(); ++t)
            compute(run, a, b, tasks[t], block, same, work, out);
    }
}

template <class T>
void bind(nb::module_& module) {
    module.def("fidelities", &fidelities<T>, nb::arg("a").noconvert(), nb::arg("a_samples"),
               nb::arg("b").noconvert(), nb::arg("b_samples"), nb::arg("same"),
               nb::arg("out").noconvert(), nb::arg("threads"));
}

}  // namespace

NB_MODULE(_overlaps, module) {
    bind<float>(module);
    bind<double>(module);
    module.def("limit", &limit, nb::arg("level"));
}
