// Placements: on which place each qubit starts.
#pragma once
#include <algorithm>
#include <numeric>
#include <vector>

#include "lattice.hpp"
#include "order.hpp"

namespace swaps {

enum Start { COMPACT = 0, SCATTERED = 1, LINE = 2 };

class Placer {
public:
    Placer(const Lattice& lattice, const Operations& all) : L(lattice), qubits(all.qubits), partners(all.qubits) {
        std::vector<std::vector<int>> met(qubits);
        for (int k = 0; k < all.count; ++k)
            if (all.pair(k)) {
                met[all.a[k]].push_back(all.b[k]);
                met[all.b[k]].push_back(all.a[k]);
                for (const int q : {all.a[k], all.b[k]})
                    if (std::find(meeting.begin(), meeting.end(), q) == meeting.end()) meeting.push_back(q);
            }
        for (int q = 0; q < qubits; ++q) {
            std::sort(met[q].begin(), met[q].end());
            for (size_t i = 0, j = 0; i < met[q].size(); i = j) {
                while (j < met[q].size() && met[q][j] == met[q][i]) ++j;
                partners[q].emplace_back(met[q][i], static_cast<double>(std::min<size_t>(j - i, 4)));
            }
            if (met[q].empty()) meeting.push_back(q);
        }
    }

    void start(int kind, Stream& random, std::vector<int>& place) const {
        place.assign(qubits, NONE);
        if (kind == SCATTERED) {
            scatter(random, place);
        } else if (kind != LINE || !line(random, place)) {
            compact(random, place);
        }
    }

    // A placement in which every pair is coupled, if a search of so many steps finds one. Qubits
    // are placed one after another, each beside its partners, and taken back where that cannot go
    // on.
    bool embed(int steps, std::vector<int>& place) const {
        size_t pairs = 0, most = 0, widest = 0;
        for (const auto& list : partners) {
            pairs += list.size();
            most = std::max(most, list.size());
        }
        for (int p = 0; p < L.n; ++p) widest = std::max<size_t>(widest, L.degree(p));
        if (most > widest || pairs / 2 > static_cast<size_t>(L.m)) return false;
        const std::vector<int> order = breadth_first();
        place.assign(qubits, NONE);
        std::vector<char> used(L.n, 0);
        std::vector<std::vector<int>> spots;
        if (!order.empty()) spots.push_back(free_beside(order[0], place, used));
        size_t placed = 0;
        while (placed < order.size() && !spots.empty()) {
            if (--steps < 0) return false;
            if (spots.back().empty()) {
                spots.pop_back();
                if (!spots.empty()) {
                    int& last = place[order[--placed]];
                    used[last] = 0;
                    last = NONE;
                }
                continue;
            }
            const int spot = spots.back().back();
            spots.back().pop_back();
            place[order[placed++]] = spot;
            used[spot] = 1;
            if (placed < order.size()) spots.push_back(free_beside(order[placed], place, used));
        }
        if (placed < order.size()) return false;
        int rest = 0;
        for (int q = 0; q < qubits; ++q)
            if (place[q] == NONE) {
                while (used[rest]) ++rest;
                place[q] = rest;
                used[rest] = 1;
            }
        return true;
    }

private:
    const Lattice& L;
    int qubits;
    std::vector<std::vector<std::pair<int, double>>> partners;  // and how often they meet, at most 4
    std::vector<int> meeting;                                   // qubits as they first meet

    // Random places in a part of the lattice that hangs together.
    void scatter(Stream& random, std::vector<int>& place) const {
        const int centre = random.below(L.n);
        std::vector<int> near(L.n);
        std::iota(near.begin(), near.end(), 0);
        std::stable_sort(near.begin(), near.end(), [&](int p, int q) { return L.apart(centre, p) < L.apart(centre, q); });
        near.resize(qubits);
        random.shuffle(near);
        std::copy(near.begin(), near.end(), place.begin());
    }

    // The qubit with most partners placed goes as near to them as there is room.
    void compact(Stream& random, std::vector<int>& place) const {
        std::vector<double> noise(L.n), pull(qubits, 0), weight(qubits, 0);
        for (auto& value : noise) value = random.unit();
        int centre = 0;
        for (int p = 1; p < L.n; ++p)
            if (L.total[p] + noise[p] * L.n < L.total[centre] + noise[centre] * L.n) centre = p;
        for (int q = 0; q < qubits; ++q) {
            for (const auto& partner : partners[q]) weight[q] += partner.second;
            weight[q] = 1e-3 * weight[q] + 1e-6 * random.unit();
        }
        std::vector<char> used(L.n, 0);
        for (int round = 0; round < qubits; ++round) {
            int q = NONE;
            for (int other = 0; other < qubits; ++other)
                if (place[other] == NONE && (q == NONE || pull[other] + weight[other] > pull[q] + weight[q])) q = other;
            int spot = NONE;
            double least = 0;
            for (int p = 0; p < L.n; ++p) {
                if (used[p]) continue;
                double far = 0;
                for (const auto& [partner, count] : partners[q])
                    if (place[partner] != NONE) far += count * L.apart(place[partner], p);
                const double cost = far + (pull[q] > 0 ? 1e-2 : 1.01) * L.apart(centre, p) - 1e-3 * L.degree(p) +
                                    1e-4 * random.unit();
                if (spot == NONE || cost < least) spot = p, least = cost;
            }
            place[q] = spot;
            used[spot] = 1;
            for (const auto& [partner, count] : partners[q]) pull[partner] += count;
        }
    }

    // One after another on a way through the lattice that meets no place twice, in the order in
    // which they first meet or in that of their numbers; false if no such way is found.
    bool line(Stream& random, std::vector<int>& place) const {
        std::vector<int> way;
        std::vector<char> used(L.n);
        for (int attempt = 0; attempt < 20; ++attempt) {
            std::fill(used.begin(), used.end(), 0);
            way.assign(1, random.below(L.n));
            used[way[0]] = 1;
            while (static_cast<int>(way.size()) < qubits) {
                const int here = way.back();
                int next = NONE;
                double least = 0;
                for (int j = L.begin[here]; j < L.begin[here + 1]; ++j) {
                    const int p = L.beside[j];
                    if (used[p]) continue;
                    int onward = 0;
                    for (int i = L.begin[p]; i < L.begin[p + 1]; ++i) onward += !used[L.beside[i]];
                    const double cost = (onward ? 0 : 10) + 2 * random.unit() + onward;
                    if (next == NONE || cost < least) next = p, least = cost;
                }
                if (next == NONE) break;
                way.push_back(next);
                used[next] = 1;
            }
            if (static_cast<int>(way.size()) == qubits) {
                const bool numbers = random.below(2);
                for (int k = 0; k < qubits; ++k) place[numbers ? k : meeting[k]] = way[k];
                return true;
            }
        }
        return false;
    }

    // Qubits that have partners, each after one of its own where it can be.
    std::vector<int> breadth_first() const {
        std::vector<int> roots(qubits), order;
        std::iota(roots.begin(), roots.end(), 0);
        const auto more = [&](int p, int q) { return partners[p].size() > partners[q].size(); };
        std::stable_sort(roots.begin(), roots.end(), more);
        std::vector<char> seen(qubits, 0);
        for (const int root : roots) {
            if (seen[root] || partners[root].empty()) continue;
            seen[root] = 1;
            order.push_back(root);
            for (size_t k = order.size() - 1; k < order.size(); ++k) {
                const size_t from = order.size();
                for (const auto& partner : partners[order[k]])
                    if (!seen[partner.first]) {
                        seen[partner.first] = 1;
                        order.push_back(partner.first);
                    }
                std::stable_sort(order.begin() + static_cast<long>(from), order.end(), more);
            }
        }
        return order;
    }

    // Free places beside all placed partners of a qubit, with room for the others; the best last.
    std::vector<int> free_beside(int q, const std::vector<int>& place, const std::vector<char>& used) const {
        std::vector<int> near;
        int anchor = NONE;
        for (const auto& partner : partners[q])
            if (place[partner.first] != NONE) anchor = place[partner.first];
        const auto fits = [&](int p) {
            if (used[p] || L.degree(p) < static_cast<int>(partners[q].size())) return false;
            for (const auto& partner : partners[q])
                if (place[partner.first] != NONE && L.apart(place[partner.first], p) != 1) return false;
            return true;
        };
        if (anchor == NONE) {
            for (int p = 0; p < L.n; ++p)
                if (fits(p)) near.push_back(p);
        } else {
            for (int j = L.begin[anchor]; j < L.begin[anchor + 1]; ++j)
                if (fits(L.beside[j])) near.push_back(L.beside[j]);
        }
        std::sort(near.begin(), near.end(), [&](int p, int r) {
            return std::pair(L.degree(p), p) > std::pair(L.degree(r), r);
        });
        return near;
    }
};

}  // namespace swaps
