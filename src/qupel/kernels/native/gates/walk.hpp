// Walking a state: forward through passes, back again for a gradient, and once for reduced matrices.
//
// Tiles are dealt to threads in fixed runs and sums are kept for a fixed number of chunks of tiles,
// so the number of threads changes nothing.
#pragma once

#include <omp.h>

#include "layout.hpp"

namespace qupel {

// Where the pieces of a tile lie in memory.
template <class T>
struct Places {
    Window<T> window;
    std::vector<size_t> offsets;
    size_t run, tiles;

    Places(uint64_t mask, int qubits) : window(mask, qubits) {
        int low = 0;
        while (low < qubits && (mask >> low & 1)) ++low;
        run = size_t{1} << low;
        const std::vector<int> upper(window.qubits.begin() + low, window.qubits.end());
        offsets.resize(size_t{1} << upper.size());
        for (size_t k = 0; k < offsets.size(); ++k) offsets[k] = spread(k, upper);
        tiles = size_t{1} << window.outside.size();
    }
    static size_t spread(size_t index, const std::vector<int>& onto) {
        size_t out = 0;
        for (size_t k = 0; k < onto.size(); ++k) out |= (index >> k & 1) << onto[k];
        return out;
    }
    size_t base(size_t tile) const { return spread(tile, window.outside); }
    size_t numbers() const { return window.rows() * 2 * lanes<T>; }
};

template <class T>
struct Machine {
    int qubits;
    Tiling tiling;
    int threads;
    Chosen<T> use;
};

template <class T>
void forward(const Machine<T>& machine, T* state, const std::vector<Pass>& passes) {
    Room<T> room;
    for (const Pass& pass : passes) {
        const Places<T> places(pass.window, machine.qubits);
        std::vector<Op<T>> ops;
        for (const Cluster* cluster : pass.clusters) ops.push_back(op_of<T>(*cluster, places.window, machine.use));
        const int threads = int(std::min<size_t>(size_t(machine.threads), places.tiles));
        room.resize(std::max(room.size(), size_t(threads) * places.numbers()));
#pragma omp parallel num_threads(threads) if (threads > 1)
        {
            T* at = room.data() + size_t(omp_get_thread_num()) * places.numbers();
#pragma omp for schedule(static)
            for (size_t k = 0; k < places.tiles; ++k) {
                const size_t base = places.base(k);
                const Tile<T> tile{at, places.window.rows(), base};
                machine.use.gather(state + 2 * base, at, places.offsets.data(), places.offsets.size(), places.run);
                for (const Op<T>& op : ops)
                    if ((base & op.needs) == op.needs) op.act(op, tile);
                machine.use.scatter(state + 2 * base, at, places.offsets.data(), places.offsets.size(), places.run);
            }
        }
    }
}

// Parts in which sums over tiles are kept, whatever the number of threads.
constexpr size_t CHUNKS = 32;

// A gate's matrix, or what lies at `from`, on its qubits in order.
inline Matrix read(const GateList& list, const std::vector<const Complex*>& at, size_t gate, const Complex* from) {
    Matrix m;
    m.qubits.assign(list.qubits + list.starts[gate], list.qubits + list.starts[gate + 1]);
    m.at.assign(from ? from : at[gate], (from ? from : at[gate]) + m.side() * m.side());
    return widened(m, joined(m.qubits, {}));
}

// Adds 2 Re sum dC[a, b] sums[a, b] for every slope of a cluster, where dC is the cluster's matrix
// with one gate's replaced by its derivative.
inline void add_slopes(const Cluster& cluster, const GateList& list, const std::vector<const Complex*>& at,
                       const std::vector<std::vector<std::pair<size_t, const Complex*>>>& slopes,
                       const std::vector<Complex>& sums, double* out) {
    std::vector<Matrix> gates;
    for (const int g : cluster.gates) gates.push_back(widened(read(list, at, size_t(g), nullptr), cluster.matrix.qubits));
    const size_t side = cluster.matrix.side(), count = gates.size();
    Matrix unit{cluster.matrix.qubits, std::vector<Complex>(side * side)};
    for (size_t k = 0; k < side; ++k) unit.at[k * side + k] = 1;
    std::vector<Matrix> after(count, unit);  // product of all gates after this one
    for (size_t k = count; k-- > 1;) after[k - 1] = product(after[k], gates[k]);
    Matrix before = unit;
    for (size_t k = 0; k < count; ++k) {
        for (const auto& [place, matrix] : slopes[size_t(cluster.gates[k])]) {
            const Matrix changed = product(
                after[k],
                product(widened(read(list, at, size_t(cluster.gates[k]), matrix), cluster.matrix.qubits), before));
            double sum = 0;
            for (size_t a = 0; a < side; ++a)
                for (size_t b = 0; b < side; ++b) {
                    if (cluster.kind == Cluster::TABLE && a != b) continue;
                    const Complex s = cluster.kind == Cluster::TABLE ? sums[a] : sums[a * side + b];
                    const Complex d = changed.at[a * side + b];
                    sum += d.real() * s.real() - d.imag() * s.imag();
                }
            out[place] += 2 * sum;
        }
        before = product(gates[k], before);
    }
}

// Undoes all passes on `state` and its `adjoint`, adding up the slopes on the way.
template <class T>
void backward(const Machine<T>& machine, T* state, T* adjoint_state, const std::vector<Pass>& passes,
              const GateList& list, const std::vector<const Complex*>& at,
              const std::vector<std::vector<std::pair<size_t, const Complex*>>>& slopes, double* out) {
    Room<T> room;
    for (size_t p = passes.size(); p-- > 0;) {
        const Pass& pass = passes[p];
        const Places<T> places(pass.window, machine.qubits);
        const size_t count = pass.clusters.size();
        std::vector<Op<T>> ops;
        std::vector<size_t> first(count + 1, 0);  // where each cluster's sums begin
        for (size_t k = 0; k < count; ++k) {
            const Cluster& cluster = *pass.clusters[k];
            const size_t side = cluster.matrix.side();
            const bool sloped = std::any_of(cluster.gates.begin(), cluster.gates.end(),
                                            [&](int g) { return !slopes[size_t(g)].empty(); });
            if (cluster.kind == Cluster::DENSE) {
                ops.push_back(dense_op<T>(adjoint(cluster.matrix), 0, places.window, machine.use));
                if (sloped)
                    ops[k].overlap = machine.use.overlap_of(
                        int(cluster.matrix.qubits.size() - ops[k].lanes.size()), int(ops[k].lanes.size()));
            } else {
                Matrix conjugate = cluster.matrix;
                for (Complex& x : conjugate.at) x = std::conj(x);
                ops.push_back(table_op<T>(conjugate, places.window, machine.use));
                if (sloped) ops[k].overlap = machine.use.table_overlap;
            }
            first[k + 1] = first[k] + (sloped ? (cluster.kind == Cluster::DENSE ? side * side : side) : 0);
        }
        const size_t chunks = std::min(CHUNKS, places.tiles);
        std::vector<Complex> sums(chunks * first[count]);
        const int threads = int(std::min<size_t>(size_t(machine.threads), chunks));
        room.resize(std::max(room.size(), size_t(threads) * 2 * places.numbers()));
#pragma omp parallel num_threads(threads) if (threads > 1)
        {
            T* ket = room.data() + size_t(omp_get_thread_num()) * 2 * places.numbers();
            T* bra = ket + places.numbers();
#pragma omp for schedule(static)
            for (size_t chunk = 0; chunk < chunks; ++chunk)
                for (size_t k = chunk * places.tiles / chunks; k < (chunk + 1) * places.tiles / chunks; ++k) {
                    const size_t base = places.base(k);
                    const Tile<T> x{ket, places.window.rows(), base}, l{bra, places.window.rows(), base};
                    machine.use.gather(state + 2 * base, ket, places.offsets.data(), places.offsets.size(), places.run);
                    machine.use.gather(adjoint_state + 2 * base, bra, places.offsets.data(), places.offsets.size(), places.run);
                    for (size_t o = count; o-- > 0;) {
                        const Op<T>& op = ops[o];
                        const bool acts = (base & op.needs) == op.needs;
                        if (acts) op.act(op, x);
                        if (op.overlap) op.overlap(op, l, x, sums.data() + chunk * first[count] + first[o]);
                        if (acts) op.act(op, l);
                    }
                    machine.use.scatter(state + 2 * base, ket, places.offsets.data(), places.offsets.size(), places.run);
                    machine.use.scatter(adjoint_state + 2 * base, bra, places.offsets.data(), places.offsets.size(), places.run);
                }
        }
        for (size_t k = 0; k < count; ++k) {
            if (first[k + 1] == first[k]) continue;
            std::vector<Complex> total(first[k + 1] - first[k]);
            for (size_t chunk = 0; chunk < chunks; ++chunk)
                for (size_t j = 0; j < total.size(); ++j) total[j] += sums[chunk * first[count] + first[k] + j];
            add_slopes(*pass.clusters[k], list, at, slopes, total, out);
        }
    }
}

// The reduced density matrix on up to three sorted qubits.
template <class T>
void reduce(const Machine<T>& machine, const T* state, const std::vector<int>& qubits, Complex* out) {
    uint64_t mask = bit_of(std::min(machine.tiling.low, machine.qubits)) - 1;
    for (const int q : qubits) mask |= bit_of(q);
    for (int q = 0; q < machine.qubits && __builtin_popcountll(mask) < machine.tiling.tile; ++q) mask |= bit_of(q);
    const Places<T> places(mask, machine.qubits);
    Matrix unit{qubits, {}};
    const size_t side = unit.side();
    unit.at.assign(side * side, 0);
    const Op<T> op = dense_op<T>(unit, 0, places.window, machine.use);
    const Overlap<T> act = machine.use.overlap_of(int(qubits.size() - op.lanes.size()), int(op.lanes.size()));
    const size_t chunks = std::min(CHUNKS, places.tiles);
    std::vector<Complex> sums(chunks * side * side);
    const int threads = int(std::min<size_t>(size_t(machine.threads), chunks));
    Room<T> room(size_t(threads) * places.numbers());
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        T* at = room.data() + size_t(omp_get_thread_num()) * places.numbers();
#pragma omp for schedule(static)
        for (size_t chunk = 0; chunk < chunks; ++chunk)
            for (size_t k = chunk * places.tiles / chunks; k < (chunk + 1) * places.tiles / chunks; ++k) {
                const size_t base = places.base(k);
                const Tile<T> tile{at, places.window.rows(), base};
                machine.use.gather(state + 2 * base, at, places.offsets.data(), places.offsets.size(), places.run);
                act(op, tile, tile, sums.data() + chunk * side * side);
            }
    }
    // sum conj(psi[a]) psi[b] is the element (b, a).
    std::fill_n(out, side * side, Complex{});
    for (size_t chunk = 0; chunk < chunks; ++chunk)
        for (size_t a = 0; a < side; ++a)
            for (size_t b = 0; b < side; ++b) out[b * side + a] += sums[chunk * side * side + a * side + b];
}

}  // namespace qupel
