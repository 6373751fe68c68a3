// Circuits on a state vector: gates fused into clusters, clusters sorted into passes, each pass one
// walk over the state, tile by tile, while a tile sits in cache. The gradient walks back.
//
// A state is 2^n complex numbers side by side, as NumPy holds them; tiles are taken apart into real
// and imaginary rows on the way into cache and put together on the way out.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <vector>

#include "gates/fuse.hpp"
#include "gates/op.hpp"
#include "gates/observe.hpp"

#define WIDE_LOOPS "gates/loops.hpp"
#include "instructions.hpp"

namespace nb = nanobind;

namespace {

using namespace qupel;

template <class T>
Chosen<T> loops() {
    return widest(avx512::loops<T>(), avx2::loops<T>(), baseline::loops<T>());
}

template <class T>
using State = nb::ndarray<std::complex<T>, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Ints = nb::ndarray<const int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Matrices = nb::ndarray<const Complex, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Masks = nb::ndarray<const uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Numbers = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Doubles = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

int qubits_of(size_t size) { return __builtin_ctzll(size); }

// Tiles that stay in the second-level cache and leave enough of them for the threads of any
// machine; they depend on the state alone, so that the number of threads changes nothing.
template <class T>
Tiling tiling_of(int qubits, int tile, int low, int states) {
    const int most = (sizeof(T) == 4 ? 15 : 14) - (states - 1);
    const int few = std::max(most - 3, std::min(qubits, most - 1));
    if (tile <= 0) tile = qubits <= few ? qubits : std::min(most, std::max(few, qubits - 4));
    if (low <= 0) low = sizeof(T) == 4 ? 5 : 4;
    return {qubits, std::max(tile, std::min(qubits, 10)), std::max(low, lane_qubits<T>)};
}

template <class T>
Machine<T> machine_of(size_t size, int threads, int tile, int low, int states) {
    const int qubits = qubits_of(size);
    return {qubits, tiling_of<T>(qubits, tile, low, states), threads, loops<T>()};
}

template <class T>
void apply(State<T> state, Ints qubits, Ints starts, Matrices matrices, int threads, int tile, int low) {
    const nb::gil_scoped_release released;
    const Machine<T> machine = machine_of<T>(state.shape(0), threads, tile, low, 1);
    const GateList list{qubits.data(), starts.data(), matrices.data(), starts.shape(0) - 1};
    const std::vector<Cluster> clusters = Fuser(list, nullptr, nullptr).clusters();
    forward(machine, reinterpret_cast<T*>(state.data()), Passes(clusters, machine.tiling).all());
}

// Passes and clusters that `apply` would use: for each pass its window, and of each cluster its
// kind, the qubits it changes and those it watches.
using Described = std::vector<std::tuple<uint64_t, std::vector<std::tuple<int, uint64_t, uint64_t>>>>;
Described plan(int qubits, bool single, Ints named, Ints starts, Matrices matrices, int tile, int low) {
    const nb::gil_scoped_release released;
    const GateList list{named.data(), starts.data(), matrices.data(), starts.shape(0) - 1};
    const std::vector<Cluster> clusters = Fuser(list, nullptr, nullptr).clusters();
    const Tiling tiling = single ? tiling_of<float>(qubits, tile, low, 1) : tiling_of<double>(qubits, tile, low, 1);
    Described out;
    for (const Pass& pass : Passes(clusters, tiling).all()) {
        std::vector<std::tuple<int, uint64_t, uint64_t>> inside;
        for (const Cluster* cluster : pass.clusters)
            inside.emplace_back(int(cluster->kind), cluster->changed, cluster->watched);
        out.emplace_back(pass.window, inside);
    }
    return out;
}

template <class T>
double observe_sum(State<T> state, Masks x, Masks z, Numbers weights, std::vector<State<T>> out, int threads) {
    const nb::gil_scoped_release released;
    const Machine<T> machine = machine_of<T>(state.shape(0), threads, 0, 0, 1);
    const std::vector<PauliGroup> groups = grouped(x.data(), z.data(), weights.data(), x.shape(0));
    return observe<T>(machine, reinterpret_cast<const T*>(state.data()), groups,
                      out.empty() ? nullptr : reinterpret_cast<T*>(out[0].data()));
}

// Value of a Pauli sum after the circuit, and its derivative by every angle named in `owners`.
template <class T>
double gradient(State<T> state, State<T> adjoint_state, Ints qubits, Ints starts, Matrices matrices,
                nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> diagonal, Ints owners,
                Matrices derivatives, Masks x, Masks z, Numbers weights, Doubles out, int threads) {
    const nb::gil_scoped_release released;
    const Machine<T> machine = machine_of<T>(state.shape(0), threads, 0, 0, 2);
    const GateList list{qubits.data(), starts.data(), matrices.data(), starts.shape(0) - 1};
    std::vector<char> sloped(list.count, 0), flat(diagonal.data(), diagonal.data() + list.count);
    std::vector<const Complex*> at;
    const Complex* matrix = list.matrices;
    for (size_t g = 0; g < list.count; ++g) {
        at.push_back(matrix);
        matrix += size_t{1} << 2 * (starts.data()[g + 1] - starts.data()[g]);
    }
    std::vector<std::vector<std::pair<size_t, const Complex*>>> slopes(list.count);
    const Complex* derivative = derivatives.data();
    for (size_t k = 0; k < owners.shape(0); ++k) {
        const auto g = size_t(owners.data()[k]);
        sloped[g] = 1;
        slopes[g].emplace_back(k, derivative);
        derivative += size_t{1} << 2 * (starts.data()[g + 1] - starts.data()[g]);
    }
    const std::vector<Cluster> clusters = Fuser(list, &sloped, &flat).clusters();
    const std::vector<Pass> passes = Passes(clusters, machine.tiling).all();
    T* psi = reinterpret_cast<T*>(state.data());
    T* lambda = reinterpret_cast<T*>(adjoint_state.data());
    forward(machine, psi, passes);
    const std::vector<PauliGroup> groups = grouped(x.data(), z.data(), weights.data(), x.shape(0));
    const double value = observe<T>(machine, psi, groups, lambda);
    std::fill_n(out.data(), out.shape(0), 0.0);
    backward(machine, psi, lambda, passes, list, at, slopes, out.data());
    return value;
}

template <class T>
void reduced(State<T> state, std::vector<int> qubits, nb::ndarray<Complex, nb::ndim<2>, nb::c_contig, nb::device::cpu> out,
             int threads) {
    const nb::gil_scoped_release released;
    reduce(machine_of<T>(state.shape(0), threads, 0, 0, 1), reinterpret_cast<const T*>(state.data()), qubits, out.data());
}

// Index of the state at which the running sum of |amplitude|^2 passes each of `levels` (ascending,
// as shares of the whole).
template <class T>
void draw(State<T> state, Numbers levels, nb::ndarray<int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> out,
          int threads) {
    const nb::gil_scoped_release released;
    const size_t states = state.shape(0), span = std::min<size_t>(states, 4096), blocks = states / span;
    const T* at = reinterpret_cast<const T*>(state.data());
    const auto weight = [&](size_t z) {
        return double(at[2 * z]) * double(at[2 * z]) + double(at[2 * z + 1]) * double(at[2 * z + 1]);
    };
    std::vector<double> sums(blocks);
#pragma omp parallel for num_threads(threads) schedule(static) if (blocks > 16 && threads > 1)
    for (size_t k = 0; k < blocks; ++k) {
        double parts[8] = {};
        size_t z = k * span;
        for (; z + 8 <= (k + 1) * span; z += 8)
            for (size_t j = 0; j < 8; ++j) parts[j] += weight(z + j);
        for (; z < (k + 1) * span; ++z) parts[0] += weight(z);
        sums[k] = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
    }
    double whole = 0;
    for (const double sum : sums) whole += sum;
    size_t block = 0, z = 0, last = 0;
    double before = 0, sum = 0;  // of the blocks before this one; of this one up to state z
    for (size_t shot = 0; shot < levels.shape(0); ++shot) {
        const double goal = levels.data()[shot] * whole;
        while (block + 1 < blocks && before + sums[block] <= goal) {
            before += sums[block++];
            z = block * span;
            sum = 0;
        }
        const size_t end = (block + 1) * span;
        // A state is taken once the sum through it passes the level.
        for (; z < end; ++z) {
            const double w = weight(z);
            if (w > 0) last = z;
            if (before + (sum + w) > goal) break;
            sum += w;
        }
        out.data()[shot] = int64_t(z < end ? z : last);
    }
}

template <class T>
void bind(nb::module_& module) {
    module.def("apply", &apply<T>, nb::arg("state").noconvert(), nb::arg("qubits"), nb::arg("starts"),
               nb::arg("matrices"), nb::arg("threads"), nb::arg("tile"), nb::arg("low"));
    module.def("observe", &observe_sum<T>, nb::arg("state").noconvert(), nb::arg("x"), nb::arg("z"),
               nb::arg("weights"), nb::arg("out"), nb::arg("threads"));
    module.def("gradient", &gradient<T>, nb::arg("state").noconvert(), nb::arg("adjoint").noconvert(),
               nb::arg("qubits"), nb::arg("starts"), nb::arg("matrices"), nb::arg("diagonal"),
               nb::arg("owners"), nb::arg("derivatives"), nb::arg("x"), nb::arg("z"), nb::arg("weights"),
               nb::arg("out").noconvert(), nb::arg("threads"));
    module.def("reduced", &reduced<T>, nb::arg("state").noconvert(), nb::arg("qubits"),
               nb::arg("out").noconvert(), nb::arg("threads"));
    module.def("draw", &draw<T>, nb::arg("state").noconvert(), nb::arg("levels"), nb::arg("out").noconvert(),
               nb::arg("threads"));
}

}  // namespace

NB_MODULE(_gates, module) {
    bind<float>(module);
    bind<double>(module);
    module.def("plan", &plan, nb::arg("qubits"), nb::arg("single"), nb::arg("named"), nb::arg("starts"),
               nb::arg("matrices"), nb::arg("tile"), nb::arg("low"));
    module.def("limit", &limit, nb::arg("level"));
}
