// Vehicle routes under search: savings, local descent, ruin and recreate.
//
// Nodes are 0 (the depot) and 1 … n - 1. A search owns one current solution, one best solution and
// the buffers between them; they are sized once and their memory is kept, so loops do not allocate
// once every buffer has seen its largest content. One search is one thread; equal arguments and
// equal calls give equal solutions.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

namespace nb = nanobind;
using Matrix = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Row = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Whole = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Lists = nb::ndarray<const int32_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Plan = nb::ndarray<int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

namespace {

// Lateness that is rounding of real-valued times; whole ticks never come near it.
constexpr double kLate = 1e-8;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kNowhere = -1;

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
    int below(int n) { return static_cast<int>((static_cast<unsigned __int128>(bits()) * n) >> 64); }
};

struct Route {
    std::vector<int> stops;
    std::vector<double> start, latest;  // begin of each service: as early as can be, as late as may be
    std::vector<double> ahead, behind;  // cost from the first stop to each, and back from each to it
    std::vector<double> carried;        // load up to and with each stop
    double load = 0, cost = 0;          // arcs alone; the vehicle's own cost is counted apart
    int kind = 0;
};

// Stops `from` … `to` of a route, both included, possibly backwards; empty if from > to.
struct Piece {
    int slot, from, to;
    bool back = false;
};

// A route put together from pieces of others.
struct Draft {
    Piece pieces[5];
    int count = 0;
    double cost = 0, load = 0;
    int size = 0;
    void add(int slot, int from, int to, bool back = false) {
        if (from <= to) pieces[count++] = {slot, from, to, back};
    }
};

struct Move {
    double gain = 0;
    int a = kNowhere, b = kNowhere;  // slots that change; b is kNowhere for moves inside a route
    int kind_a = 0, kind_b = 0;
    Draft to_a, to_b;
};

}  // namespace

class Search {
public:
    Search(Matrix costs, Matrix times, Row demands, Row ready, Row due, Row service, bool timed, Row capacity,
           Row fixed, Whole available, Lists near, Lists close, double unserved, uint64_t seed, uint64_t stream)
        : n(static_cast<int>(demands.shape(0))), timed(timed), unserved(unserved), random(seed, stream) {
        const size_t cells = static_cast<size_t>(n) * n;
        C.assign(costs.data(), costs.data() + cells);
        into.resize(cells);
        symmetric = true;
        double largest = 0;
        for (int i = 0; i < n; ++i)
            for (int j = 0; j < n; ++j) {
                into[at(j, i)] = C[at(i, j)];
                symmetric = symmetric && C[at(i, j)] == C[at(j, i)];
                largest = std::max(largest, C[at(i, j)]);
            }
        if (timed) T.assign(times.data(), times.data() + cells);
        demand.assign(demands.data(), demands.data() + n);
        opens.assign(ready.data(), ready.data() + n);
        closes.assign(due.data(), due.data() + n);
        serving.assign(service.data(), service.data() + n);
        kinds = static_cast<int>(capacity.shape(0));
        space.assign(capacity.data(), capacity.data() + kinds);
        price.assign(fixed.data(), fixed.data() + kinds);
        // Well above the rounding of a total, well below any saving that matters.
        eps = 1e-9 * std::max(1.0, largest) + 1e-14 * n * *std::max_element(price.begin(), price.end());
        stock.assign(available.data(), available.data() + kinds);
        used.assign(kinds, 0);
        reach = static_cast<int>(near.shape(1));
        nearby.assign(near.data(), near.data() + static_cast<size_t>(n) * reach);
        span = static_cast<int>(close.shape(1));
        partners.assign(close.data(), close.data() + static_cast<size_t>(n) * span);

        slots.resize(n - 1);
        shadows.resize(n - 1);
        place.assign(n, kNowhere);
        position.assign(n, 0);
        rank.assign(n - 1, kNowhere);
        touched_at.assign(n - 1, 0);
        ruined_at.assign(n - 1, 0);
        waiting.assign(n, 0);
        key.assign(n, 0);
        plan.reserve(2 * n);
        clear();
    }

    // Take a plan of any length; stops that break a rule of their route, or come twice, are left unserved.
    double load(Whole rows) {
        nb::gil_scoped_release release;
        clear();
        const int64_t* entry = rows.data();
        const int64_t* end = entry + rows.shape(0);
        absent.clear();
        std::vector<char> seen(n, 0);
        while (entry != end) {
            if (*entry >= 0) {
                ++entry;
                continue;
            }
            int kind = static_cast<int>(-1 - *entry++);
            if (kind >= kinds || used[kind] >= stock[kind]) kind = widest_free();
            if (kind == kNowhere) {
                while (entry != end && *entry >= 0) ++entry;  // no vehicle is left: all stay unserved
                continue;
            }
            const int slot = spare();
            if (slot == kNowhere) break;
            Route& route = slots[slot];
            route.kind = kind;
            for (; entry != end && *entry >= 0; ++entry) {
                const int stop = static_cast<int>(std::min<int64_t>(*entry, n));
                if (stop == 0 || stop >= n || seen[stop]) continue;
                route.stops.push_back(stop);
                refresh(slot);
                if (route.load > space[kind] || !on_time(route)) {
                    route.stops.pop_back();
                    refresh(slot);
                } else {
                    seen[stop] = 1;
                }
            }
            if (!route.stops.empty()) {
                open(slot);
                enlist(slot);
            }
        }
        for (int v = 1; v < n; ++v)
            if (!seen[v]) absent.push_back(v);
        return settle();
    }

    // Every customer on a route of its own, without regard to the number of vehicles: see `merge`.
    void scatter() {
        nb::gil_scoped_release release;
        clear();
        absent.clear();
        for (int v = 1; v < n; ++v) {
            Route& route = slots[v - 1];
            route.stops.assign(1, v);
            refresh(v - 1);
            enlist(v - 1);
        }
    }

    // Clarke and Wright: join the routes that end in first[k] and begin with second[k], in this order.
    void merge(Whole first, Whole second) {
        nb::gil_scoped_release release;
        const double largest = *std::max_element(space.begin(), space.end());
        for (size_t k = 0; k < first.shape(0); ++k) {
            const int u = static_cast<int>(first.data()[k]), v = static_cast<int>(second.data()[k]);
            const int a = place[u], b = place[v];
            if (a == b || slots[a].load + slots[b].load > largest) continue;
            const int last_a = size(a) - 1, last_b = size(b) - 1;
            const bool turn_a = position[u] != last_a, turn_b = position[v] != 0;
            if ((turn_a && position[u] != 0) || (turn_b && position[v] != last_b)) continue;
            if ((turn_a || turn_b) && (timed || !symmetric)) continue;
            Draft draft;
            draft.add(a, 0, last_a, turn_a);
            draft.add(b, 0, last_b, turn_b);
            if (!in_time(draft)) continue;
            write(draft, scratch);
            slots[a].stops.swap(scratch);
            slots[b].stops.clear();
            refresh(a);
            refresh(b);
            enlist(a);
        }
    }

    // Give every route the cheapest vehicle that is left, large loads first; dissolve those without.
    double staff() {
        nb::gil_scoped_release release;
        std::vector<int> order;
        for (int slot = 0; slot < n - 1; ++slot)
            if (!slots[slot].stops.empty()) order.push_back(slot);
        std::stable_sort(order.begin(), order.end(),
                         [&](int a, int b) { return slots[a].load > slots[b].load; });
        std::fill(used.begin(), used.end(), 0);
        active.clear();
        vacant.clear();
        std::fill(rank.begin(), rank.end(), kNowhere);
        for (int slot : order) {
            const int kind = on_time(slots[slot]) ? cheapest(slots[slot].load, kNowhere) : kNowhere;
            if (kind == kNowhere) {
                for (int v : slots[slot].stops) dismiss(v);
                slots[slot].stops.clear();
                refresh(slot);
            } else {
                slots[slot].kind = kind;
                open(slot);
            }
        }
        for (int slot = n - 2; slot >= 0; --slot)
            if (slots[slot].stops.empty()) vacant.push_back(slot);
        return settle();
    }

    // Insert whoever is unserved, in the given order, each where it costs least.
    double complete(Whole order) {
        nb::gil_scoped_release release;
        ++trial;
        touched.clear();
        absent.clear();
        for (size_t k = 0; k < order.shape(0); ++k) {
            const int v = static_cast<int>(order.data()[k]);
            if (place[v] == kNowhere) absent.push_back(v);
        }
        recreate(0.0, false);
        return settle();
    }

    // Ruin and recreate, accepted as in annealing: SISR of Christiaens and Vanden Berghe (2020),
    // doi:10.1287/trsc.2019.0914. A new route is one more place to insert, at its own cost.
    double anneal(int iterations, double temperature, double cooling, double removals, double longest,
                  double blink) {
        nb::gil_scoped_release release;
        for (int k = 0; k < iterations; ++k) {
            begin();
            ruin(removals, longest);
            recreate(blink, true);
            const double after = cost_of_state();
            const double allowance = -temperature * std::log(1.0 - random.unit());
            if (after < total + allowance) {
                accept(after);
            } else {
                undo();
            }
            temperature *= cooling;
        }
        return temperature;
    }

    // Iterated local search: ruin and recreate, descend around the change, keep what is not worse.
    void kick(int iterations, double removals, double longest, double blink) {
        nb::gil_scoped_release release;
        for (int k = 0; k < iterations; ++k) {
            begin();
            ruin(removals, longest);
            recreate(blink, true);
            for (int slot : touched) queue_route(slot);
            while (!queue.empty()) examine(dequeue());
            const double after = cost_of_state();
            if (after <= total + eps) {
                accept(after);
            } else {
                undo();
            }
        }
    }

    // One ruin and recreate of the current solution, written to `out` and taken back. Its cost.
    double propose(double removals, double longest, double blink, Plan out) {
        nb::gil_scoped_release release;
        begin();
        ruin(removals, longest);
        recreate(blink, true);
        const double cost = absent.empty() ? cost_of_state() : kInfinity;
        write_state();
        copy_plan(plan, out);
        undo();
        return cost;
    }

    // Put all customers up for local moves, in random order.
    void awaken() {
        queue.clear();
        std::fill(waiting.begin(), waiting.end(), 0);
        for (int v = 1; v < n; ++v) enqueue(v);
        for (int k = static_cast<int>(queue.size()) - 1; k > 0; --k) std::swap(queue[k], queue[random.below(k + 1)]);
    }

    // Try the moves of at most so many customers; how many are still waiting.
    int descend(int customers) {
        nb::gil_scoped_release release;
        ++trial;
        touched.clear();
        while (customers-- > 0 && !queue.empty()) examine(dequeue());
        settle();
        return static_cast<int>(queue.size());
    }

    double current() const { return total; }
    double best() const { return best_total; }
    int missing() const { return static_cast<int>(absent.size()); }
    int best_missing() const { return best_absent; }

    void best_plan(Plan out) { copy_plan(best_state, out); }

    void current_plan(Plan out) {
        write_state();
        copy_plan(plan, out);
    }

    // Go on from the best solution.
    void restart() {
        clear();
        absent.clear();
        int slot = kNowhere;
        std::vector<char> seen(n, 0);
        for (int entry : best_state) {
            if (entry < 0) {
                slot = spare();
                slots[slot].kind = -1 - entry;
                open(slot);
            } else {
                slots[slot].stops.push_back(entry);
                seen[entry] = 1;
            }
        }
        for (int k : active) {
            refresh(k);
            enlist(k);
        }
        for (int v = 1; v < n; ++v)
            if (!seen[v]) absent.push_back(v);
        total = cost_of_state();
    }

private:
    int n, kinds = 0, reach = 0, span = 0;
    bool timed, symmetric = true;
    double unserved, eps = 0;
    Stream random;
    std::vector<double> C, into, T;  // into is C transposed, so that both ways read along a row
    std::vector<double> demand, opens, closes, serving, space, price;
    std::vector<int64_t> stock;
    std::vector<int> used, nearby, partners;

    std::vector<Route> slots, shadows;
    std::vector<int> place, position;         // of each customer: slot (kNowhere: unserved) and stop
    std::vector<int> active, rank, vacant;    // slots in use, where each stands among them, the others
    std::vector<int> absent, absent_before;
    std::vector<int> touched;                 // slots changed in this trial, their old content shadowed
    std::vector<uint64_t> touched_at, ruined_at;
    uint64_t trial = 0;
    double total = kInfinity, best_total = kInfinity;
    int best_absent = 0;
    std::vector<int> queue, plan, best_state, scratch, other;
    std::vector<char> waiting;
    std::vector<double> key;

    size_t at(int i, int j) const { return static_cast<size_t>(i) * n + j; }
    int size(int slot) const { return static_cast<int>(slots[slot].stops.size()); }

    void clear() {
        for (Route& route : slots) route.stops.clear();
        std::fill(place.begin(), place.end(), kNowhere);
        std::fill(rank.begin(), rank.end(), kNowhere);
        std::fill(used.begin(), used.end(), 0);
        std::fill(waiting.begin(), waiting.end(), 0);
        queue.clear();
        active.clear();
        vacant.clear();
        absent.clear();
        touched.clear();
        ++trial;
        for (int slot = n - 2; slot >= 0; --slot) vacant.push_back(slot);
        for (int v = 1; v < n; ++v) absent.push_back(v);
        total = cost_of_state();
    }

    // ---- one route -------------------------------------------------------------------------

    void refresh(int slot) {
        Route& route = slots[slot];
        const int m = static_cast<int>(route.stops.size());
        route.ahead.resize(m);
        route.behind.resize(m);
        route.carried.resize(m);
        route.load = route.cost = 0;
        if (m == 0) return;
        double ahead = 0, behind = 0;
        for (int p = 0; p < m; ++p) {
            const int v = route.stops[p];
            if (p > 0) {
                const int u = route.stops[p - 1];
                ahead += C[at(u, v)];
                behind += into[at(u, v)];
            }
            route.ahead[p] = ahead;
            route.behind[p] = behind;
            route.carried[p] = route.load += demand[v];
        }
        route.cost = C[at(0, route.stops[0])] + ahead + C[at(route.stops[m - 1], 0)];
        if (!timed) return;
        route.start.resize(m);
        route.latest.resize(m);
        double now = opens[0];
        for (int p = 0, u = 0; p < m; ++p) {
            const int v = route.stops[p];
            now = std::max(opens[v], now + T[at(u, v)]);
            route.start[p] = now;
            now += serving[v];
            u = v;
        }
        double latest = closes[0];
        for (int p = m - 1, w = 0; p >= 0; --p) {
            const int v = route.stops[p];
            latest = std::min(closes[v], latest - T[at(v, w)] - serving[v]);
            route.latest[p] = latest;
            w = v;
        }
    }

    bool on_time(const Route& route) const {
        if (!timed) return true;
        for (size_t p = 0; p < route.stops.size(); ++p)
            if (route.start[p] > route.latest[p] + kLate) return false;
        return true;
    }

    void enlist(int slot) {
        const std::vector<int>& stops = slots[slot].stops;
        for (size_t p = 0; p < stops.size(); ++p) {
            place[stops[p]] = slot;
            position[stops[p]] = static_cast<int>(p);
        }
    }

    void dismiss(int v) {
        place[v] = kNowhere;
        absent.push_back(v);
    }

    // ---- vehicles --------------------------------------------------------------------------

    // The cheapest type for a load among those that are left and the one already held; kNowhere if none.
    int cheapest(double load, int held) const {
        int found = kNowhere;
        for (int k = 0; k < kinds; ++k)
            if (load <= space[k] && (k == held || used[k] < stock[k]) && (found == kNowhere || price[k] < price[found]))
                found = k;
        return found;
    }

    int widest_free() const {
        int found = kNowhere;
        for (int k = 0; k < kinds; ++k)
            if (used[k] < stock[k] && (found == kNowhere || space[k] > space[found])) found = k;
        return found;
    }

    int spare() {
        if (vacant.empty()) return kNowhere;
        return vacant.back();
    }

    void open(int slot) {
        if (!vacant.empty() && vacant.back() == slot) {
            vacant.pop_back();
        } else {
            const auto found = std::find(vacant.rbegin(), vacant.rend(), slot);
            if (found != vacant.rend()) vacant.erase(std::next(found).base());
        }
        rank[slot] = static_cast<int>(active.size());
        active.push_back(slot);
        ++used[slots[slot].kind];
    }

    void shut(int slot) {
        const int last = active.back(), hole = rank[slot];
        active[hole] = last;
        rank[last] = hole;
        active.pop_back();
        rank[slot] = kNowhere;
        vacant.push_back(slot);
        --used[slots[slot].kind];
    }

    void hire(int slot, int kind) {
        --used[slots[slot].kind];
        slots[slot].kind = kind;
        ++used[kind];
    }

    // ---- trials ----------------------------------------------------------------------------

    double cost_of_state() const {
        double cost = unserved * static_cast<double>(absent.size());
        for (int slot : active) cost += slots[slot].cost + price[slots[slot].kind];
        return cost;
    }

    void begin() {
        ++trial;
        touched.clear();
        absent_before = absent;
    }

    void touch(int slot) {
        if (touched_at[slot] == trial) return;
        touched_at[slot] = trial;
        touched.push_back(slot);
        shadows[slot] = slots[slot];
        if (rank[slot] == kNowhere) shadows[slot].stops.clear();
    }

    void undo() {
        // Close in reverse order of touching, then open: the lists of slots stay reproducible.
        for (auto slot = touched.rbegin(); slot != touched.rend(); ++slot)
            if (rank[*slot] != kNowhere) shut(*slot);
        for (int slot : touched) {
            std::swap(slots[slot], shadows[slot]);
            if (!slots[slot].stops.empty()) open(slot);
            enlist(slot);
        }
        absent.swap(absent_before);
        for (int v : absent) place[v] = kNowhere;
    }

    void accept(double cost) {
        total = cost;
        if (total < best_total - eps) remember();
    }

    void remember() {
        best_total = total;
        best_absent = static_cast<int>(absent.size());
        write_state();
        best_state = plan;
    }

    double settle() {
        total = cost_of_state();
        if (total < best_total - eps) remember();
        return total;
    }

    void write_state() {
        plan.clear();
        for (int slot : active) {
            plan.push_back(-1 - slots[slot].kind);
            plan.insert(plan.end(), slots[slot].stops.begin(), slots[slot].stops.end());
        }
    }

    static void copy_plan(const std::vector<int>& from, Plan& out) {
        std::fill(out.data(), out.data() + out.shape(0), 0);
        std::copy(from.begin(), from.end(), out.data());
    }

    // ---- ruin and recreate -----------------------------------------------------------------

    void ruin(double removals, double longest) {
        const int c = n - 1;
        if (active.empty()) return;
        const double mean = static_cast<double>(c - static_cast<int>(absent.size())) / active.size();
        const double most = std::min(longest, std::max(1.0, mean));
        const double strings = 4.0 * removals / (1.0 + most) - 1.0;
        const int wanted = std::max(1, static_cast<int>(1.0 + random.unit() * std::max(0.0, strings)));
        const int seed = 1 + random.below(c);
        int done = 0;
        for (int k = -1; k < reach && done < wanted; ++k) {
            const int v = k < 0 ? seed : nearby[static_cast<size_t>(seed) * reach + k];
            if (v <= 0) continue;
            const int slot = place[v];
            if (slot == kNowhere || ruined_at[slot] == trial) continue;
            ruined_at[slot] = trial;
            ++done;
            touch(slot);
            remove_string(slot, position[v], most);
        }
        for (int slot : touched) {
            if (slots[slot].stops.empty()) {
                shut(slot);
            } else if (kinds > 1) {
                hire(slot, cheapest(slots[slot].load, slots[slot].kind));
            }
        }
    }

    // Take out a string of stops that holds position `p`, or one with a kept stretch inside it.
    void remove_string(int slot, int p, double most) {
        Route& route = slots[slot];
        const int m = static_cast<int>(route.stops.size());
        const int length = static_cast<int>(1.0 + random.unit() * std::min<double>(m, most));
        int kept = 0;
        if (length > 1 && length < m && random.unit() < 0.5) {
            kept = 1;
            while (length + kept < m && random.unit() < 0.01) ++kept;
        }
        const int whole = std::min(m, length + kept);
        const int low = std::max(0, p - whole + 1), high = std::min(p, m - whole);
        const int first = low + random.below(high - low + 1);
        const int hole = kept > 0 ? first + 1 + random.below(length - 1) : first + whole;
        int w = first;
        for (int k = first; k < m; ++k) {
            const bool out = k < first + whole && !(k >= hole && k < hole + kept);
            if (out) {
                dismiss(route.stops[k]);
            } else {
                route.stops[w++] = route.stops[k];
            }
        }
        route.stops.resize(w);
        refresh(slot);
        drop_late(slot);
        enlist(slot);
    }

    // Where a detour is quicker than the direct way, a route may come late for want of a stop that
    // was taken out: then its first late stop goes too, the last one if only the depot is missed.
    void drop_late(int slot) {
        Route& route = slots[slot];
        while (!on_time(route)) {
            size_t p = 0;
            while (p + 1 < route.stops.size() && route.start[p] <= closes[route.stops[p]] + kLate) ++p;
            dismiss(route.stops[p]);
            route.stops.erase(route.stops.begin() + p);
            refresh(slot);
        }
    }

    void recreate(double blink, bool shuffled) {
        if (shuffled) sort_absent();
        std::vector<int>& todo = other;
        todo.swap(absent);
        absent.clear();
        const double stride = blink > 0 ? 1.0 / std::log(1.0 - blink) : 0.0;
        double until = blink > 0 ? std::log(1.0 - random.unit()) * stride : kInfinity;
        for (int v : todo) {
            int slot, p, kind;
            if (!find_place(v, slot, p, kind, stride, until)) {
                absent.push_back(v);
                continue;
            }
            touch(slot);
            if (rank[slot] == kNowhere) {
                slots[slot].stops.clear();
                slots[slot].kind = kind;
                open(slot);
            } else if (slots[slot].kind != kind) {
                hire(slot, kind);
            }
            slots[slot].stops.insert(slots[slot].stops.begin() + p, v);
            refresh(slot);
            enlist(slot);
        }
        todo.clear();
    }

    // Orders and their weights follow the paper; the last three serve time windows.
    void sort_absent() {
        const int choice = random.below(timed ? 17 : 11);
        for (int v : absent) {
            if (choice < 4) {
                key[v] = random.unit();
            } else if (choice < 8) {
                key[v] = -demand[v];
            } else if (choice < 10) {
                key[v] = -C[at(0, v)];
            } else if (choice < 11) {
                key[v] = C[at(0, v)];
            } else if (choice < 13) {
                key[v] = closes[v] - opens[v];
            } else if (choice < 15) {
                key[v] = opens[v];
            } else {
                key[v] = -closes[v];
            }
        }
        std::sort(absent.begin(), absent.end(),
                  [&](int a, int b) { return key[a] < key[b] || (key[a] == key[b] && a < b); });
    }

    // The cheapest place for v. Each place is overlooked with probability `blink`: `until` counts
    // the places to the next one that is.
    bool find_place(int v, int& slot, int& p, int& kind, double stride, double& until) {
        double least = kInfinity;
        slot = kNowhere;
        const double* from = &into[at(v, 0)];  // from[u]: cost of u → v
        const double* to = &C[at(v, 0)];
        for (int k : active) {
            const Route& route = slots[k];
            int vehicle = route.kind;
            double extra = 0;
            if (kinds > 1) {
                vehicle = cheapest(route.load + demand[v], route.kind);
                if (vehicle == kNowhere) continue;
                extra = price[vehicle] - price[route.kind];
            } else if (route.load + demand[v] > space[0]) {
                continue;
            }
            const int m = static_cast<int>(route.stops.size());
            int u = 0;
            double before = 0;
            for (int q = 0; q <= m; ++q) {
                const int w = q < m ? route.stops[q] : 0;
                const double after = q < m ? route.ahead[q] : 0;
                const double gap = q > 0 && q < m ? after - before : C[at(u, w)];
                const double cost = from[u] + to[w] - gap + extra;
                if (cost < least) {
                    if (until < 1.0) {
                        until = std::log(1.0 - random.unit()) * stride;
                    } else {
                        until -= 1.0;
                        if (!timed || fits(route, v, u, w, q, m)) {
                            least = cost;
                            slot = k;
                            p = q;
                            kind = vehicle;
                        }
                    }
                }
                u = w;
                before = after;
            }
        }
        const int fresh = spare();
        const int vehicle = fresh == kNowhere ? kNowhere : cheapest(demand[v], kNowhere);
        if (vehicle != kNowhere && price[vehicle] + from[0] + to[0] < least && reachable(v)) {
            slot = fresh;
            p = 0;
            kind = vehicle;
        }
        return slot != kNowhere;
    }

    bool fits(const Route& route, int v, int u, int w, int q, int m) const {
        const double leave = q > 0 ? route.start[q - 1] + serving[u] : opens[0];
        const double begin = std::max(opens[v], leave + T[at(u, v)]);
        if (begin > closes[v] + kLate) return false;
        const double limit = q < m ? route.latest[q] : closes[0];
        return begin + serving[v] + T[at(v, w)] <= limit + kLate;
    }

    bool reachable(int v) const {
        if (!timed) return true;
        const double begin = std::max(opens[v], opens[0] + T[at(0, v)]);
        return begin <= closes[v] + kLate && begin + serving[v] + T[at(v, 0)] <= closes[0] + kLate;
    }

    // ---- local moves -----------------------------------------------------------------------

    void enqueue(int v) {
        if (waiting[v]) return;
        waiting[v] = 1;
        queue.push_back(v);
    }

    int dequeue() {
        const int v = queue.back();
        queue.pop_back();
        waiting[v] = 0;
        return v;
    }

    void queue_route(int slot) {
        if (rank[slot] == kNowhere) return;
        for (int v : slots[slot].stops) enqueue(v);
    }

    void measure(Draft& draft) const {
        int last = 0;
        draft.cost = draft.load = 0;
        draft.size = 0;
        for (int k = 0; k < draft.count; ++k) {
            const Piece& piece = draft.pieces[k];
            const Route& route = slots[piece.slot];
            const int low = route.stops[piece.from], high = route.stops[piece.to];
            draft.cost += C[at(last, piece.back ? high : low)];
            draft.cost += piece.back ? route.behind[piece.to] - route.behind[piece.from]
                                     : route.ahead[piece.to] - route.ahead[piece.from];
            draft.load += route.carried[piece.to] - route.carried[piece.from] + demand[low];
            draft.size += piece.to - piece.from + 1;
            last = piece.back ? low : high;
        }
        if (last != 0) draft.cost += C[at(last, 0)];
    }

    bool in_time(const Draft& draft) const {
        if (!timed) return true;
        double now = opens[0];
        int u = 0;
        for (int k = 0; k < draft.count; ++k) {
            const Piece& piece = draft.pieces[k];
            const int step = piece.back ? -1 : 1;
            const int end = (piece.back ? piece.from : piece.to) + step;
            for (int p = piece.back ? piece.to : piece.from; p != end; p += step) {
                const int v = slots[piece.slot].stops[p];
                now = std::max(opens[v], now + T[at(u, v)]);
                if (now > closes[v] + kLate) return false;
                now += serving[v];
                u = v;
            }
        }
        return u == 0 || now + T[at(u, 0)] <= closes[0] + kLate;
    }

    void write(const Draft& draft, std::vector<int>& out) const {
        out.clear();
        for (int k = 0; k < draft.count; ++k) {
            const Piece& piece = draft.pieces[k];
            const std::vector<int>& stops = slots[piece.slot].stops;
            if (piece.back) {
                for (int p = piece.to; p >= piece.from; --p) out.push_back(stops[p]);
            } else {
                out.insert(out.end(), stops.begin() + piece.from, stops.begin() + piece.to + 1);
            }
        }
    }

    // Types for the two drafted routes, the larger load first; false if none are left.
    bool crew(Move& move) {
        const bool two = move.b != kNowhere, held = two && rank[move.b] != kNowhere;
        --used[slots[move.a].kind];
        if (held) --used[slots[move.b].kind];
        Draft* first = &move.to_a;
        Draft* second = &move.to_b;
        int *kind_first = &move.kind_a, *kind_second = &move.kind_b;
        if (two && second->load > first->load) {
            std::swap(first, second);
            std::swap(kind_first, kind_second);
        }
        bool found = true;
        *kind_first = *kind_second = kNowhere;
        if (first->size > 0) {
            *kind_first = cheapest(first->load, kNowhere);
            found = *kind_first != kNowhere;
        }
        if (found && two && second->size > 0) {
            if (*kind_first != kNowhere) ++used[*kind_first];
            *kind_second = cheapest(second->load, kNowhere);
            if (*kind_first != kNowhere) --used[*kind_first];
            found = *kind_second != kNowhere;
        }
        ++used[slots[move.a].kind];
        if (held) ++used[slots[move.b].kind];
        return found;
    }

    void consider(Move& move, Move& best) {
        measure(move.to_a);
        double gain = slots[move.a].cost - move.to_a.cost;
        if (move.b != kNowhere) {
            measure(move.to_b);
            gain -= move.to_b.cost;
            if (rank[move.b] != kNowhere) gain += slots[move.b].cost;
        }
        const bool plain = kinds == 1 && price[0] == 0;
        if (plain && gain <= best.gain) return;
        if (!crew(move)) return;
        if (!plain) {
            gain += price[slots[move.a].kind];
            if (move.kind_a != kNowhere) gain -= price[move.kind_a];
            if (move.b != kNowhere && rank[move.b] != kNowhere) gain += price[slots[move.b].kind];
            if (move.b != kNowhere && move.kind_b != kNowhere) gain -= price[move.kind_b];
            if (gain <= best.gain) return;
        }
        if (!in_time(move.to_a) || (move.b != kNowhere && !in_time(move.to_b))) return;
        move.gain = gain;
        best = move;
    }

    void perform(const Move& move) {
        touch(move.a);
        write(move.to_a, scratch);
        const bool two = move.b != kNowhere;
        if (two) {
            touch(move.b);
            write(move.to_b, other);
            replace(move.b, other, move.kind_b);
        }
        replace(move.a, scratch, move.kind_a);
        queue_route(move.a);
        if (two) queue_route(move.b);
        other.clear();
    }

    void replace(int slot, std::vector<int>& stops, int kind) {
        if (rank[slot] != kNowhere) shut(slot);
        slots[slot].stops.swap(stops);
        refresh(slot);
        if (slots[slot].stops.empty()) return;
        slots[slot].kind = kind;
        open(slot);
        enlist(slot);
    }

    // The best move that brings u beside one of its partners, or beside the depot.
    void examine(int u) {
        const int a = place[u];
        if (a == kNowhere) return;
        Move best;
        best.gain = eps;
        for (int k = 0; k < span; ++k) {
            const int v = partners[static_cast<size_t>(u) * span + k];
            if (v <= 0 || place[v] == kNowhere) continue;
            if (place[v] == a) {
                inside(a, position[u], position[v], best);
            } else {
                between(a, position[u], place[v], position[v], best);
            }
        }
        const int fresh = spare();
        if (fresh != kNowhere) split(a, position[u], fresh, best);
        if (best.a != kNowhere) perform(best);
    }

    // Moves of u (stop i of route a) beside v (stop j of route b): relocation of up to three stops,
    // exchange of up to two with up to two, exchange of tails (2-opt*), all also before the depot.
    void between(int a, int i, int b, int j, Move& best) {
        const int ma = size(a), mb = size(b);
        for (int s = 1; s <= 3; ++s) {
            for (int ahead = 0; ahead < 2; ++ahead) {  // u begins or ends the string
                const int from = ahead ? i : i - s + 1, to = from + s - 1;
                if (from < 0 || to >= ma || (s == 1 && ahead == 0)) continue;
                for (int after = 0; after < 2; ++after) {
                    relocate(a, from, to, b, after ? j + 1 : j, (after == 1) != (ahead == 1) && s > 1, best);
                }
                if (j == 0 || j == mb - 1) relocate(a, from, to, b, j == 0 ? 0 : mb, false, best);
            }
        }
        for (int s = 1; s <= 2; ++s)
            for (int t = 1; t <= 2; ++t) {
                if (i + s <= ma && j + t < mb) exchange(a, i, i + s - 1, b, j + 1, j + t, best);
                if (i - s + 1 >= 0 && j - t >= 0) exchange(a, i - s + 1, i, b, j - t, j - 1, best);
            }
        Move move;
        move.a = a;
        move.b = b;
        move.to_b.add(b, 0, j);
        move.to_b.add(a, i, ma - 1);
        move.to_a.add(a, 0, i - 1);
        move.to_a.add(b, j + 1, mb - 1);
        consider(move, best);
        move = {};
        move.a = a;
        move.b = b;
        move.to_a.add(a, 0, i);
        move.to_a.add(b, j, mb - 1);
        move.to_b.add(b, 0, j - 1);
        move.to_b.add(a, i + 1, ma - 1);
        consider(move, best);
        if (timed) return;
        move = {};  // heads joined at u and v, tails joined
        move.a = a;
        move.b = b;
        move.to_a.add(a, 0, i);
        move.to_a.add(b, 0, j, true);
        move.to_b.add(a, i + 1, ma - 1, true);
        move.to_b.add(b, j + 1, mb - 1);
        consider(move, best);
        move = {};  // tails joined at u and v, heads joined
        move.a = a;
        move.b = b;
        move.to_a.add(a, 0, i - 1);
        move.to_a.add(b, 0, j - 1, true);
        move.to_b.add(a, i, ma - 1, true);
        move.to_b.add(b, j, mb - 1);
        consider(move, best);
    }

    void relocate(int a, int from, int to, int b, int gap, bool back, Move& best) {
        Move move;
        move.a = a;
        move.b = b;
        move.to_a.add(a, 0, from - 1);
        move.to_a.add(a, to + 1, size(a) - 1);
        move.to_b.add(b, 0, gap - 1);
        move.to_b.add(a, from, to, back);
        move.to_b.add(b, gap, size(b) - 1);
        consider(move, best);
    }

    void exchange(int a, int from, int to, int b, int low, int high, Move& best) {
        Move move;
        move.a = a;
        move.b = b;
        move.to_a.add(a, 0, from - 1);
        move.to_a.add(b, low, high);
        move.to_a.add(a, to + 1, size(a) - 1);
        move.to_b.add(b, 0, low - 1);
        move.to_b.add(a, from, to);
        move.to_b.add(b, high + 1, size(b) - 1);
        consider(move, best);
    }

    // Moves inside route a that bring stop i beside stop j: relocation of up to three, 2-opt.
    void inside(int a, int i, int j, Move& best) {
        const int m = size(a);
        for (int s = 1; s <= 3; ++s)
            for (int ahead = 0; ahead < 2; ++ahead) {
                const int from = ahead ? i : i - s + 1, to = from + s - 1;
                if (from < 0 || to >= m || (j >= from && j <= to) || (s == 1 && ahead == 0)) continue;
                for (int after = 0; after < 2; ++after) {
                    const int gap = after ? j + 1 : j;
                    for (int back = 0; back < (s > 1 ? 2 : 1); ++back) {
                        Move move;
                        move.a = a;
                        if (gap <= from) {
                            move.to_a.add(a, 0, gap - 1);
                            move.to_a.add(a, from, to, back == 1);
                            move.to_a.add(a, gap, from - 1);
                            move.to_a.add(a, to + 1, m - 1);
                        } else {
                            move.to_a.add(a, 0, from - 1);
                            move.to_a.add(a, to + 1, gap - 1);
                            move.to_a.add(a, from, to, back == 1);
                            move.to_a.add(a, gap, m - 1);
                        }
                        consider(move, best);
                    }
                }
            }
        const int low = std::min(i, j), high = std::max(i, j);
        for (int shift = 0; shift < 2; ++shift) {  // turn round what lies behind the first, or with it
            const int from = low + 1 - shift, to = high - shift;
            if (from >= to) continue;
            Move move;
            move.a = a;
            move.to_a.add(a, 0, from - 1);
            move.to_a.add(a, from, to, true);
            move.to_a.add(a, to + 1, m - 1);
            consider(move, best);
        }
        if (i == j - 1 || j == i - 1) {
            return;
        }
        Move move;  // exchange of the two stops themselves
        move.a = a;
        move.to_a.add(a, 0, low - 1);
        move.to_a.add(a, high, high);
        move.to_a.add(a, low + 1, high - 1);
        move.to_a.add(a, low, low);
        move.to_a.add(a, high + 1, m - 1);
        consider(move, best);
    }

    // A route of its own for stop i, or for all from i on.
    void split(int a, int i, int fresh, Move& best) {
        const int m = size(a);
        if (m < 2) return;
        for (int whole = 0; whole < 2; ++whole) {
            if (whole == 1 && i == 0) continue;
            const int to = whole ? m - 1 : i;
            Move move;
            move.a = a;
            move.b = fresh;
            move.to_a.add(a, 0, i - 1);
            move.to_a.add(a, to + 1, m - 1);
            move.to_b.add(a, i, to);
            consider(move, best);
        }
    }
};

NB_MODULE(_routing, module) {
    nb::class_<Search>(module, "Search")
        .def(nb::init<Matrix, Matrix, Row, Row, Row, Row, bool, Row, Row, Whole, Lists, Lists, double, uint64_t,
                      uint64_t>())
        .def("load", &Search::load)
        .def("scatter", &Search::scatter)
        .def("merge", &Search::merge)
        .def("staff", &Search::staff)
        .def("complete", &Search::complete)
        .def("anneal", &Search::anneal)
        .def("kick", &Search::kick)
        .def("propose", &Search::propose)
        .def("awaken", &Search::awaken)
        .def("descend", &Search::descend)
        .def("restart", &Search::restart)
        .def("current", &Search::current)
        .def("best", &Search::best)
        .def("missing", &Search::missing)
        .def("best_missing", &Search::best_missing)
        .def("best_plan", &Search::best_plan)
        .def("current_plan", &Search::current_plan);
}
