// Expectations of Pauli sums, block by block.
//
// Terms that flip the same qubits form a group: on a state s they all meet s ^ flips, with a factor
// that only depends on s. Groups are ordered by the qubits they flip above a block, so that the
// partner block is read once for all of them.
#pragma once

#include <cmath>

#include "walk.hpp"

namespace qupel {

constexpr int BLOCK_QUBITS = 10;

// Terms with equal x: real factors (an even number of Y) and imaginary ones.
struct PauliGroup {
    uint64_t x;
    std::vector<PauliTerm> real, imaginary;
};

inline std::vector<PauliGroup> grouped(const uint64_t* x, const uint64_t* z, const double* weights, size_t count) {
    std::map<std::pair<uint64_t, uint64_t>, PauliGroup> groups;  // by the bits above a block, then all
    for (size_t k = 0; k < count; ++k) {
        PauliGroup& group = groups[{x[k] >> BLOCK_QUBITS, x[k]}];
        group.x = x[k];
        // c P |y> = c i^|x & z| (-1)^(z & y) |y ^ x>, and y = s ^ x, so the factor is c (-i)^|x & z|.
        const int turns = __builtin_popcountll(x[k] & z[k]) % 4;
        const double sign = turns == 1 || turns == 2 ? -1 : 1;
        (turns % 2 ? group.imaginary : group.real).push_back({z[k], sign * weights[k]});
    }
    std::vector<PauliGroup> out;
    for (auto& [key, group] : groups) out.push_back(std::move(group));
    return out;
}

// <state| sum |state>; with `out`, the sum times the state as well.
template <class T>
double observe(const Machine<T>& machine, const T* state, const std::vector<PauliGroup>& groups, T* out) {
    const int block_qubits = std::clamp(machine.qubits, lane_qubits<T>, BLOCK_QUBITS);
    const size_t size = size_t{1} << std::min(machine.qubits, block_qubits), width = size_t{1} << block_qubits;
    const size_t blocks = (size_t{1} << machine.qubits) / size;
    std::vector<double> sums(blocks);
    const int threads = int(std::min<size_t>(size_t(machine.threads), blocks));
    Room<T> room(size_t(threads) * 8 * width);
    const size_t nothing = 0;
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        T* own = room.data() + size_t(omp_get_thread_num()) * 8 * width;
        T *other = own + 2 * width, *sum = other + 2 * width, *f = sum + 2 * width, *g = f + width;
#pragma omp for schedule(static)
        for (size_t block = 0; block < blocks; ++block) {
            machine.use.gather(state + 2 * block * size, own, &nothing, 1, size);
            if (out) std::fill_n(sum, 2 * width, T{0});
            uint64_t held = ~uint64_t{0};
            double value = 0;
            for (const PauliGroup& group : groups) {
                const uint64_t high = group.x >> block_qubits;
                if (high && high != held) machine.use.gather(state + 2 * (block ^ high) * size, other, &nothing, 1, size);
                if (high) held = high;
                if (!group.real.empty()) machine.use.weigh(group.real.data(), group.real.size(), block, block_qubits, f);
                if (!group.imaginary.empty())
                    machine.use.weigh(group.imaginary.data(), group.imaginary.size(), block, block_qubits, g);
                value += (out ? machine.use.apply : machine.use.meet)(
                    own, high ? other : own, group.real.empty() ? nullptr : f,
                    group.imaginary.empty() ? nullptr : g, width, group.x & (width - 1), sum);
            }
            sums[block] = value;
            if (out) machine.use.scatter(out + 2 * block * size, sum, &nothing, 1, size);
        }
    }
    double total = 0;
    for (const double value : sums) total += value;
    return total;
}

}  // namespace qupel
