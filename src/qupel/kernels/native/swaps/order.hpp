// Operations on one qubit or two, and which of them wait for which.
#pragma once
#include <algorithm>
#include <utility>
#include <vector>

#include "lattice.hpp"

namespace swaps {

// Operations by number. `b` is NONE for those on one qubit. An axis names the Pauli matrix that
// the operation commutes with on that qubit, NONE for none.
struct Operations {
    int qubits, count;
    std::vector<int> a, b, axis_a, axis_b;
    std::vector<double> extra;           // native two-qubit gates that a swap right after it adds
    std::vector<double> length, joined;  // layers it takes, alone and with a swap
    double swap_gates, swap_length;      // of a swap alone

    bool pair(int k) const { return b[k] != NONE; }
    int axis(int k, int q) const { return a[k] == q ? axis_a[k] : axis_b[k]; }
};

// A graph over operations by number, and over joints, numbered after them. On every qubit
// successive operations of one axis commute and stand in one group; a group waits for the whole
// group before it, and a joint between the two keeps the graph small. If operations are taken not
// to commute, every group has one.
struct Order {
    std::vector<int> begin, after;  // what waits for k: after[begin[k]:begin[k + 1]]
    std::vector<int> needs, first;  // how many each waits for; those that wait for none
    std::vector<int> chain;         // operations on pairs from each to the end, at most, itself one
    std::vector<int> pairs;         // operations on pairs, by the longest chain that leads to each
    int longest = 1;

    Order(const Operations& all, bool backwards, bool commuting) : needs(all.count, 0), chain(all.count, 0) {
        std::vector<std::pair<int, int>> waits;
        std::vector<std::vector<int>> group(all.qubits);
        std::vector<int> axis(all.qubits, NONE), gate(all.qubits, NONE);
        std::vector<int> level(all.count, 0);  // operations on pairs up to each, at most, itself one
        int nodes = all.count;
        for (int step = 0; step < all.count; ++step) {
            const int k = backwards ? all.count - 1 - step : step;
            for (const auto& [q, kind] : {std::pair(all.a[k], all.axis_a[k]), std::pair(all.b[k], all.axis_b[k])}) {
                if (q == NONE) continue;
                if (group[q].empty()) {
                    axis[q] = kind;
                } else if (!commuting || kind == NONE || kind != axis[q]) {
                    needs.push_back(static_cast<int>(group[q].size()));
                    level.push_back(0);
                    for (const int before : group[q]) {
                        waits.emplace_back(before, nodes);
                        level[nodes] = std::max(level[nodes], level[before]);
                    }
                    gate[q] = nodes++;
                    group[q].clear();
                    axis[q] = kind;
                }
                group[q].push_back(k);
                if (gate[q] != NONE) {
                    waits.emplace_back(gate[q], k);
                    ++needs[k];
                    level[k] = std::max(level[k], level[gate[q]]);
                }
            }
            if (all.pair(k)) {
                ++level[k];
                pairs.push_back(k);
            }
        }
        std::stable_sort(pairs.begin(), pairs.end(), [&](int j, int k) { return level[j] < level[k]; });
        begin.assign(nodes + 1, 0);
        for (const auto& wait : waits) ++begin[wait.first + 1];
        for (int k = 0; k < nodes; ++k) begin[k + 1] += begin[k];
        after.resize(waits.size());
        std::vector<int> at(begin.begin(), begin.end() - 1);
        for (const auto& [before, later] : waits) after[at[before]++] = later;
        for (int step = 0; step < all.count; ++step) {
            const int k = backwards ? all.count - 1 - step : step;
            if (!needs[k]) first.push_back(k);
        }
        measure(all, backwards);
    }

private:
    void measure(const Operations& all, bool backwards) {
        for (int step = all.count - 1; step >= 0; --step) {
            const int k = backwards ? all.count - 1 - step : step;
            int most = 0;
            for (int j = begin[k]; j < begin[k + 1]; ++j) {
                const int joint = after[j];
                for (int i = begin[joint]; i < begin[joint + 1]; ++i) most = std::max(most, chain[after[i]]);
            }
            chain[k] = most + all.pair(k);
            longest = std::max(longest, chain[k]);
        }
    }
};

}  // namespace swaps
