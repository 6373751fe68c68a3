// A coupling map, and the random numbers that everything here draws.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace swaps {

constexpr int NONE = -1;

// The k-th number of a stream is a hash of (seed, stream, k): SplitMix64 of Steele et al. (2014).
struct Stream {
    uint64_t base, count = 0;
    Stream(uint64_t seed, uint64_t stream) : base(mix(seed + 0x9E3779B97F4A7C15ULL * (stream + 1))) {}
    static uint64_t mix(uint64_t z) {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    uint64_t bits() { return mix(base + 0x9E3779B97F4A7C15ULL * ++count); }
    double unit() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }
    int below(int n) {
        return static_cast<int>((static_cast<unsigned __int128>(bits()) * static_cast<uint64_t>(n)) >> 64);
    }
    template <class T>
    void shuffle(std::vector<T>& items) {
        for (int k = static_cast<int>(items.size()) - 1; k > 0; --k) std::swap(items[k], items[below(k + 1)]);
    }
};

// Qubits and the pairs that are coupled. Searches are for lattices that are connected.
struct Lattice {
    int n, m, diameter = 0;
    bool connected = true;
    std::vector<int> first, second;       // ends of each edge
    std::vector<int> begin, beside, edge; // neighbours of q: beside[begin[q]:begin[q + 1]], by edge
    std::vector<uint16_t> steps;          // distances, n by n
    std::vector<int> total;               // distances from each qubit, summed

    Lattice(int qubits, const int32_t* edges, int count)
        : n(qubits), m(count), first(count), second(count), begin(qubits + 1, 0), beside(2 * count),
          edge(2 * count), steps(static_cast<size_t>(qubits) * qubits, 0), total(qubits, 0) {
        for (int e = 0; e < m; ++e) {
            first[e] = edges[2 * e];
            second[e] = edges[2 * e + 1];
            ++begin[first[e] + 1];
            ++begin[second[e] + 1];
        }
        for (int q = 0; q < n; ++q) begin[q + 1] += begin[q];
        std::vector<int> at(begin.begin(), begin.end() - 1);
        for (int e = 0; e < m; ++e)
            for (const auto& [q, p] : {std::pair(first[e], second[e]), std::pair(second[e], first[e])}) {
                beside[at[q]] = p;
                edge[at[q]++] = e;
            }
        std::vector<int> queue(n);
        for (int q = 0; q < n; ++q) measure(q, queue);
    }

    int apart(int p, int q) const { return steps[static_cast<size_t>(p) * n + q]; }
    int degree(int q) const { return begin[q + 1] - begin[q]; }

    // The edge that joins two qubits, or NONE.
    int joins(int p, int q) const {
        for (int k = begin[p]; k < begin[p + 1]; ++k)
            if (beside[k] == q) return edge[k];
        return NONE;
    }

private:
    void measure(int from, std::vector<int>& queue) {
        uint16_t* row = steps.data() + static_cast<size_t>(from) * n;
        int length = 0;
        queue[length++] = from;
        for (int k = 0; k < length; ++k) {
            const int q = queue[k];
            total[from] += row[q];
            diameter = std::max<int>(diameter, row[q]);
            for (int j = begin[q]; j < begin[q + 1]; ++j)
                if (const int p = beside[j]; p != from && !row[p]) {
                    row[p] = static_cast<uint16_t>(row[q] + 1);
                    queue[length++] = p;
                }
        }
        connected = connected && length == n;
    }
};

}  // namespace swaps
