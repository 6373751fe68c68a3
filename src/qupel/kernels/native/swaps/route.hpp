// Routing: swaps that bring qubits together, chosen one by one by the distances they leave.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "lattice.hpp"
#include "order.hpp"

namespace swaps {

// How swaps are chosen.
struct Manner {
    bool commuting;  // whether operations that commute may change places
    int start;       // what placements it starts from; see place.hpp
    int ahead;       // pairs that follow which are looked at
    double weight;   // what they weigh beside the next ones
    double power;    // a pair at distance d counts d^power
    double chain;    // how much more a pair weighs if the longest chain hangs on it
    double gate;     // what every native gate costs that a swap adds
    double late;     // what every layer costs that a qubit has been busy for
    double decay;    // what every recent swap of a qubit adds to its next one's cost
};

// One way through a circuit.
struct Routed {
    std::vector<int> start, end;     // place of each qubit
    std::vector<int32_t> steps;      // triples: operation, or NONE for a swap, and its places
    int swaps = 0;
    double gates = 0, depth = 0;     // native gates that the swaps add; layers of the whole
};

class Router {
public:
    Router(const Lattice& lattice, const Operations& all)
        : L(lattice), A(all), at(L.n), around(A.qubits), ahead(A.qubits), seat(A.qubits), weight(A.count),
          slot(A.count), past(A.count), fresh(L.m), stale(L.m), busy(L.n), base(L.m), look(L.m), level(L.n), tired(L.n),
          worth(L.diameter + 1) {}

    // Route in `order` from `out.start` on; `out` is overwritten. False if it was given up, as gates
    // and layers, weighed by `layer`, came to more than `most`.
    bool run(const Order& order, const Manner& manner, Stream& stream, double layer, double most, Routed& out) {
        begin(order, manner, stream, out);
        proceed(order.first);
        int patience = 0;
        const int limit = 10 + 3 * L.diameter;
        while (!waiting.empty()) {
            const size_t before = waiting.size();
            if (patience > limit) {
                force();
                patience = 0;
            } else {
                exchange(choose());
                ++patience;
            }
            if (waiting.size() != before) patience = 0;
            if (out.gates + layer * out.depth > most) return false;
        }
        // A swap may make an operation shorter, so that what was deepest is so no longer.
        out.depth = *std::max_element(level.begin(), level.end());
        return true;
    }

private:
    static constexpr int FORGOTTEN = 5;  // swaps after which recent ones are forgotten

    const Lattice& L;
    const Operations& A;
    const Order* O = nullptr;
    const Manner* M = nullptr;
    Stream* random = nullptr;
    Routed* R = nullptr;
    std::vector<int> at, missing, stack, waiting, done;
    struct Wait {
        int operation, partner;
        double weight;
    };
    std::vector<std::vector<Wait>> around;        // what waits, of each qubit
    std::vector<std::vector<int>> ahead;          // partners that follow
    std::vector<int> active, seat;                // qubits that wait, and the place of each among them
    std::vector<double> weight;
    std::vector<int> slot;                        // place of what waits in `waiting`
    std::vector<char> past;                       // operations on pairs that wait or are done
    std::vector<int> fresh;                       // operation that a swap of each edge would join
    std::vector<char> stale, busy;               // edges to be looked at anew; places of what waits
    std::vector<double> base, look, level, tired, worth;
    std::vector<int> touched, best;
    size_t settled = 0;                           // how many of the first of `Order::pairs` are
    int followers = 0;

    void begin(const Order& order, const Manner& manner, Stream& stream, Routed& out) {
        O = &order, M = &manner, random = &stream, R = &out;
        out.end = out.start;
        out.steps.clear();
        out.swaps = 0;
        out.gates = out.depth = 0;
        std::fill(busy.begin(), busy.end(), 0);
        std::fill(at.begin(), at.end(), NONE);
        for (int q = 0; q < A.qubits; ++q) at[out.end[q]] = q;
        missing = order.needs;
        std::fill(past.begin(), past.end(), 0);
        settled = 0;
        for (auto& list : around) list.clear();
        for (auto& list : ahead) list.clear();
        touched.clear();
        waiting.clear();
        active.clear();
        followers = 0;
        for (int k = 0; k < A.count; ++k) weight[k] = 1 + manner.chain * order.chain[k] / order.longest;
        for (int d = 0; d <= L.diameter; ++d) worth[d] = std::pow(d, manner.power);
        std::fill(fresh.begin(), fresh.end(), NONE);
        std::fill(stale.begin(), stale.end(), 1);
        std::fill(level.begin(), level.end(), 0);
        std::fill(tired.begin(), tired.end(), 0);
    }

    int place(int q) const { return R->end[q]; }

    // Do whatever can be done now, leave the rest waiting, and look ahead of it.
    void proceed(const std::vector<int>& now) {
        stack.assign(now.rbegin(), now.rend());
        while (!stack.empty()) {
            const int k = stack.back();
            stack.pop_back();
            if (k < A.count) {
                if (A.pair(k)) {
                    past[k] = 1;
                    const int edge = L.joins(place(A.a[k]), place(A.b[k]));
                    if (edge == NONE) {
                        wait(k);
                        continue;
                    }
                    emit(k, edge);
                } else {
                    R->steps.insert(R->steps.end(), {k, place(A.a[k]), NONE});
                }
            }
            for (int j = O->begin[k]; j < O->begin[k + 1]; ++j)
                if (!--missing[O->after[j]]) stack.push_back(O->after[j]);
        }
        look_ahead();
    }

    void wait(int k) {
        slot[k] = static_cast<int>(waiting.size());
        waiting.push_back(k);
        for (const auto& [q, partner] : {std::pair(A.a[k], A.b[k]), std::pair(A.b[k], A.a[k])}) {
            if (around[q].empty()) {
                seat[q] = static_cast<int>(active.size());
                active.push_back(q);
                busy[place(q)] = 1;
            }
            around[q].push_back({k, partner, weight[k]});
            age(place(q));
        }
    }

    void leave(int k) {
        slot[waiting.back()] = slot[k];
        std::swap(waiting[slot[k]], waiting.back());
        waiting.pop_back();
        for (const int q : {A.a[k], A.b[k]}) {
            auto& list = around[q];
            *std::find_if(list.begin(), list.end(), [k](const Wait& w) { return w.operation == k; }) = list.back();
            list.pop_back();
            if (list.empty()) {
                seat[active.back()] = seat[q];
                active[seat[q]] = active.back();
                active.pop_back();
                busy[place(q)] = 0;
            }
            age(place(q));
        }
    }

    // The worth of a swap of any edge at this place has to be found anew.
    void age(int p) {
        for (int j = L.begin[p]; j < L.begin[p + 1]; ++j) stale[L.edge[j]] = 1;
    }

    // Write an operation; note which pairs a swap could still join.
    void emit(int k, int edge) {
        const int places[] = {place(A.a[k]), place(A.b[k])};
        R->steps.insert(R->steps.end(), {k, places[0], places[1]});
        const int axes[] = {A.axis_a[k], A.axis_b[k]};
        for (int side = 0; side < 2; ++side) part(places[side], axes[side]);
        fresh[edge] = k;
        work(places[0], places[1], A.length[k]);
    }

    void work(int a, int b, double layers) {
        level[a] = level[b] = std::max(level[a], level[b]) + layers;
        R->depth = std::max(R->depth, level[a]);
    }

    // Something of this axis is done on place `p`: what cannot move past it is joined no longer.
    void part(int p, int axis) {
        for (int j = L.begin[p]; j < L.begin[p + 1]; ++j) {
            int& held = fresh[L.edge[j]];
            if (held != NONE && (axis == NONE || A.axis(held, at[p]) != axis)) held = NONE;
        }
    }

    // The pairs that follow those that wait.
    void look_ahead() {
        for (const int q : touched) {
            ahead[q].clear();
            age(place(q));
        }
        touched.clear();
        followers = 0;
        while (settled < O->pairs.size() && past[O->pairs[settled]]) ++settled;
        for (size_t i = settled; i < O->pairs.size() && followers < M->ahead; ++i) {
            const int k = O->pairs[i];
            if (past[k]) continue;
            ++followers;
            for (const auto& [q, p] : {std::pair(A.a[k], A.b[k]), std::pair(A.b[k], A.a[k])}) {
                if (ahead[q].empty()) {
                    touched.push_back(q);
                    age(place(q));
                }
                ahead[q].push_back(p);
            }
        }
    }

    // What moving the qubit at `from` to `to` adds to the worth of its pairs, but for those between
    // the two, which a swap leaves as near as they were.
    void change(int from, int to, double& next, double& later) const {
        const int q = at[from];
        if (q == NONE) return;
        const uint16_t* here = L.steps.data() + static_cast<size_t>(from) * L.n;
        const uint16_t* there = L.steps.data() + static_cast<size_t>(to) * L.n;
        for (const Wait& wait : around[q]) {
            const int p = place(wait.partner);
            if (p != to) next += wait.weight * (worth[there[p]] - worth[here[p]]);
        }
        for (const int partner : ahead[q]) {
            const int p = place(partner);
            if (p != to) later += worth[there[p]] - worth[here[p]];
        }
    }

    // The edge whose swap leaves the lowest cost.
    int choose() {
        const double share =
            followers ? M->weight * std::min(1.0, static_cast<double>(waiting.size()) / followers) : 0;
        double least = std::numeric_limits<double>::infinity();
        best.clear();
        for (const int q : active) {
            const int a = place(q);
            for (int j = L.begin[a]; j < L.begin[a + 1]; ++j) {
                const int b = L.beside[j], e = L.edge[j];
                if (busy[b] && b < a) continue;  // seen from the other end
                if (stale[e]) {
                    stale[e] = 0;
                    base[e] = look[e] = 0;
                    change(a, b, base[e], look[e]);
                    change(b, a, base[e], look[e]);
                }
                const double gates = fresh[e] == NONE ? A.swap_gates : A.extra[fresh[e]];
                const double cost = base[e] + share * look[e] + M->gate * gates + std::max(tired[a], tired[b]) +
                                    M->late * std::max(level[a], level[b]);
                if (cost < least - 1e-9) {
                    least = cost;
                    best.clear();
                }
                if (cost <= least + 1e-9) best.push_back(e);
            }
        }
        return best[random->below(static_cast<int>(best.size()))];
    }

    void exchange(int e) {
        const int a = L.first[e], b = L.second[e], held = fresh[e];
        R->steps.insert(R->steps.end(), {NONE, a, b});
        R->gates += held == NONE ? A.swap_gates : A.extra[held];
        const double layers = held == NONE ? A.swap_length : A.joined[held] - A.length[held];
        work(a, b, layers);
        part(a, NONE);
        part(b, NONE);
        for (const int p : {a, b}) {
            age(p);
            if (at[p] == NONE) continue;
            for (const Wait& wait : around[at[p]]) age(place(wait.partner));
            for (const int partner : ahead[at[p]]) age(place(partner));
        }
        std::swap(at[a], at[b]);
        std::swap(busy[a], busy[b]);
        for (const int p : {a, b})
            if (at[p] != NONE) R->end[at[p]] = p;
        tired[a] += M->decay;
        tired[b] += M->decay;
        if (++R->swaps % FORGOTTEN == 0) std::fill(tired.begin(), tired.end(), 0);
        done.clear();
        for (const int p : {a, b})
            if (at[p] != NONE)
                for (const Wait& wait : around[at[p]])
                    if (L.apart(p, place(wait.partner)) == 1) done.push_back(wait.operation);
        if (done.empty()) return;
        std::sort(done.begin(), done.end());
        done.erase(std::unique(done.begin(), done.end()), done.end());
        std::fill(tired.begin(), tired.end(), 0);
        for (const int k : done) leave(k);
        proceed(done);
    }

    // Bring the nearest waiting pair together by the shortest way: it always gets there.
    void force() {
        int k = waiting[0];
        const auto far = [&](int j) { return std::pair(L.apart(place(A.a[j]), place(A.b[j])), j); };
        for (const int j : waiting)
            if (far(j) < far(k)) k = j;
        while (L.apart(place(A.a[k]), place(A.b[k])) > 1) {
            const int here = place(A.a[k]), goal = place(A.b[k]);
            int onward = L.begin[here];
            for (int j = onward; j < L.begin[here + 1]; ++j)
                if (L.apart(L.beside[j], goal) < L.apart(L.beside[onward], goal)) onward = j;
            exchange(L.edge[onward]);
        }
    }
};

}  // namespace swaps
