// Job shop schedules: timing of machine orders, dispatching, and local search over orders.
//
// Operations are numbered job by job. A schedule is held as machine orders: the operation before
// and after each one on its machine. Machines have closed windows; an operation that would
// overlap one starts after it. Starts are then the least fixed point of monotone functions, so
// one pass in topological order is exact.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

namespace nb = nanobind;
using Ints = nb::ndarray<const int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Reals = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using IntsOut = nb::ndarray<int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using LongsOut = nb::ndarray<int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using TableOut = nb::ndarray<int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

namespace {

constexpr int NONE = -1;

// Counter-based random numbers: the k-th number of a stream is a hash of (seed, stream, k).
struct Stream {
    uint64_t key, counter = 0;
    static uint64_t mix(uint64_t z) {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    Stream(uint64_t seed, uint64_t replica) : key(mix(seed + mix(replica + 0x9E3779B97F4A7C15ULL))) {}
    uint64_t next() { return mix(key + 0x9E3779B97F4A7C15ULL * ++counter); }
    int below(int n) { return static_cast<int>((static_cast<unsigned __int128>(next()) * static_cast<uint64_t>(n)) >> 64); }
    double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
};

// The data of a shop. `windows` of a machine are sorted and do not touch.
struct Shop {
    int ops, jobs, machines;
    std::vector<int> first, machine, duration, job, before, after;  // before/after: within the job
    std::vector<int> window_first, window_start, window_end;
    std::vector<int> machine_first, rank;  // operations on each machine; place among them
    int widest = 0;                        // most operations on one machine
    int strict = 0;                        // 1 if some operation takes no time
    bool windowed;

    Shop(Ints first_, Ints machine_, Ints duration_, Ints wf, Ints ws, Ints we)
        : ops(static_cast<int>(machine_.size())), jobs(static_cast<int>(first_.size()) - 1),
          machines(static_cast<int>(wf.size()) - 1), first(first_.data(), first_.data() + first_.size()),
          machine(machine_.data(), machine_.data() + ops), duration(duration_.data(), duration_.data() + ops),
          job(ops), before(ops, NONE), after(ops, NONE), window_first(wf.data(), wf.data() + wf.size()),
          window_start(ws.data(), ws.data() + ws.size()), window_end(we.data(), we.data() + we.size()),
          machine_first(machines + 1, 0), rank(ops), windowed(ws.size() > 0) {
        for (int j = 0; j < jobs; ++j)
            for (int i = first[j]; i < first[j + 1]; ++i) {
                job[i] = j;
                if (i > first[j]) before[i] = i - 1;
                if (i + 1 < first[j + 1]) after[i] = i + 1;
            }
        for (int i = 0; i < ops; ++i) rank[i] = machine_first[machine[i] + 1]++;
        for (int k = 0; k < machines; ++k) {
            widest = std::max(widest, machine_first[k + 1]);
            machine_first[k + 1] += machine_first[k];
        }
        for (int d : duration) strict |= d == 0;
    }

    // Earliest start at or after `ready` that avoids the machine's windows.
    int fit(int op, int ready) const {
        if (!windowed) return ready;
        const int k = machine[op];
        for (int w = window_first[k]; w < window_first[k + 1]; ++w) {
            if (window_end[w] <= ready) continue;
            if (ready + duration[op] <= window_start[w]) break;
            ready = window_end[w];
        }
        return ready;
    }

    // Latest end at or before `due` that avoids the machine's windows; may be negative.
    int fit_back(int op, int due) const {
        if (!windowed) return due;
        const int k = machine[op];
        for (int w = window_first[k + 1] - 1; w >= window_first[k]; --w) {
            if (window_start[w] >= due) continue;
            if (due - duration[op] >= window_end[w]) break;
            due = window_start[w];
        }
        return due;
    }
};

// Machine orders as links, with room to time them.
struct Plan {
    const Shop* shop;
    std::vector<int> prev, next, head, tail, queue, waits;
    int makespan = 0;

    explicit Plan(const Shop& s)
        : shop(&s), prev(s.ops, NONE), next(s.ops, NONE), head(s.ops, 0), tail(s.ops, 0), queue(s.ops, 0), waits(s.ops, 0) {}

    // Link each machine's operations in the order they have in `sequence` (all operations).
    template <class Sequence>
    void link(const Sequence& sequence, std::vector<int>& last) {
        std::fill(last.begin(), last.end(), NONE);
        for (int at = 0; at < shop->ops; ++at) {
            const int op = sequence[at], k = shop->machine[op];
            prev[op] = last[k];
            next[op] = NONE;
            if (last[k] != NONE) next[last[k]] = op;
            last[k] = op;
        }
    }

    // Earliest starts; false if the orders contradict each other (then `queue` is incomplete).
    bool time(int* timed = nullptr) {
        const Shop& s = *shop;
        int filled = 0;
        for (int i = 0; i < s.ops; ++i) {
            waits[i] = (s.before[i] != NONE) + (prev[i] != NONE);
            if (!waits[i]) queue[filled++] = i;
        }
        makespan = 0;
        int done = 0;
        for (; done < filled; ++done) {
            const int i = queue[done];
            int ready = 0;
            if (s.before[i] != NONE) ready = head[s.before[i]] + s.duration[s.before[i]];
            if (prev[i] != NONE) ready = std::max(ready, head[prev[i]] + s.duration[prev[i]]);
            head[i] = s.fit(i, ready);
            makespan = std::max(makespan, head[i] + s.duration[i]);
            if (s.after[i] != NONE && !--waits[s.after[i]]) queue[filled++] = s.after[i];
            if (next[i] != NONE && !--waits[next[i]]) queue[filled++] = next[i];
        }
        if (timed) *timed = done;
        return done == s.ops;
    }

    // tail[i]: from the latest end of i that keeps the makespan to the makespan. Needs `time`.
    void time_back() {
        const Shop& s = *shop;
        for (int at = s.ops - 1; at >= 0; --at) {
            const int i = queue[at];
            int rest = 0;
            if (s.after[i] != NONE) rest = tail[s.after[i]] + s.duration[s.after[i]];
            if (next[i] != NONE) rest = std::max(rest, tail[next[i]] + s.duration[next[i]]);
            tail[i] = makespan - s.fit_back(i, makespan - rest);
        }
    }

    void take(int op) {
        if (prev[op] != NONE) next[prev[op]] = next[op];
        if (next[op] != NONE) prev[next[op]] = prev[op];
    }
    void put_after(int op, int place) {
        take(op);
        prev[op] = place;
        next[op] = next[place];
        if (next[place] != NONE) prev[next[place]] = op;
        next[place] = op;
    }
    void put_before(int op, int place) {
        take(op);
        next[op] = place;
        prev[op] = prev[place];
        if (prev[place] != NONE) next[prev[place]] = op;
        prev[place] = op;
    }
};

// `u` comes before `v` on their machine; forward puts u right after v, else v right before u.
struct Move {
    int u, v;
    bool forward;
    int value;
};

void apply(Plan& plan, const Move& move) {
    if (move.forward) plan.put_after(move.u, move.v);
    else plan.put_before(move.v, move.u);
}

enum Rule { SHORTEST, LONGEST, MOST_WORK, LEAST_WORK, MOST_OPERATIONS, FIRST_COME, KEYS };

// Giffler and Thompson (1960): append operations one by one; among those that could start on the
// machine before the earliest completion (active), or at the earliest start (non-delay), `rule`
// picks one, ties by job. The operations' sequence of appending is left in `sequence`.
void dispatch(const Shop& s, int rule, bool active, const double* keys, std::vector<int>& sequence,
              std::vector<int>& at, std::vector<int>& job_free, std::vector<int>& machine_free,
              std::vector<int>& work) {
    for (int j = 0; j < s.jobs; ++j) {
        at[j] = s.first[j];
        job_free[j] = work[j] = 0;
        for (int i = s.first[j]; i < s.first[j + 1]; ++i) work[j] += s.duration[i];
    }
    std::fill(machine_free.begin(), machine_free.end(), 0);
    for (int done = 0; done < s.ops; ++done) {
        int key_machine = NONE, key_op = NONE, limit = std::numeric_limits<int>::max();
        for (int j = 0; j < s.jobs; ++j) {
            const int i = at[j];
            if (i == s.first[j + 1]) continue;
            const int start = s.fit(i, std::max(job_free[j], machine_free[s.machine[i]]));
            const int mark = active ? start + s.duration[i] : start + 1;
            if (mark < limit) limit = mark, key_machine = s.machine[i], key_op = i;
        }
        int chosen = NONE, chosen_start = 0;
        double least = 0;
        for (int j = 0; j < s.jobs; ++j) {
            const int i = at[j];
            if (i == s.first[j + 1] || s.machine[i] != key_machine) continue;
            const int start = s.fit(i, std::max(job_free[j], machine_free[key_machine]));
            if (start >= limit && i != key_op) continue;  // an operation of no length completes at its start
            double value = 0;
            switch (rule) {
                case SHORTEST: value = s.duration[i]; break;
                case LONGEST: value = -s.duration[i]; break;
                case MOST_WORK: value = -work[j]; break;
                case LEAST_WORK: value = work[j]; break;
                case MOST_OPERATIONS: value = -(s.first[j + 1] - i); break;
                case FIRST_COME: value = job_free[j]; break;
                default: value = keys[i];
            }
            if (chosen == NONE || value < least) chosen = i, least = value, chosen_start = start;
        }
        const int j = s.job[chosen];
        sequence[done] = chosen;
        job_free[j] = machine_free[key_machine] = chosen_start + s.duration[chosen];
        work[j] -= s.duration[chosen];
        ++at[j];
    }
}

// A stored schedule: starts and links are enough to go on from it.
struct Elite {
    std::vector<int> prev, next, head;
    int makespan;
};

enum Kind { DESCENT, TABU, ANNEALING };

// A search that goes on for so many steps at a time; its path depends on shop and seed alone.
struct Search {
    std::shared_ptr<Shop> held;
    const Shop& s;
    int kind;
    Stream random;
    int patience, pool_size;
    int lower;

    Plan now, trial;
    Elite best, run;  // best of all, best since the last start
    std::vector<Elite> pool;
    std::vector<int64_t> tabu;
    std::vector<Move> moves;
    std::vector<int> path, order, at, job_free, machine_free, work, last, chain_head, chain_tail, chain;
    std::vector<double> keys;
    int64_t steps = 0, idle = 0, starts = 0, stale = 0;
    double hot = 0, cold = 0;
    int64_t cycle = 0, cycle_step = 0;
    bool finished = false;

    Search(std::shared_ptr<Shop> shop, int kind_, uint64_t seed, int patience_, int pool_size_, int lower_, Ints sequence)
        : held(std::move(shop)), s(*held), kind(kind_), random(seed, static_cast<uint64_t>(kind_)), patience(patience_),
          pool_size(pool_size_), lower(lower_), now(s), trial(s), tabu(static_cast<size_t>(s.ops) * s.widest, 0),
          order(s.ops), at(s.jobs), job_free(s.jobs), machine_free(s.machines), work(s.jobs), last(s.machines),
          chain_head(s.widest + 1), chain_tail(s.widest + 1), chain(s.widest + 1), keys(s.ops) {
        path.reserve(s.ops);
        moves.reserve(static_cast<size_t>(s.ops) * 8 + 16);
        now.link(sequence.data(), last);
        now.time();
        now.time_back();
        best = keep();
        run = best;
        finished = best.makespan <= lower;
        double mean = 0;
        for (int d : s.duration) mean += d;
        mean /= std::max(1, s.ops);
        hot = 0.5 * mean;
        cold = 0.02 * mean;
        cycle = std::max(2000, 20 * s.ops);
    }

    Elite keep() const { return {now.prev, now.next, now.head, now.makespan}; }
    void store(Elite& into) const {
        into.prev = now.prev;
        into.next = now.next;
        into.head = now.head;
        into.makespan = now.makespan;
    }
    void resume(const Elite& from) {
        now.prev = from.prev;
        now.next = from.next;
        retime();
    }
    void retime() {
        now.time();
        if (kind != ANNEALING) now.time_back();
    }

    // One longest chain from the last end back to time 0; where a window delayed an operation,
    // the chain goes on with what made it ready.
    void critical_path() {
        path.clear();
        int count = 0, i = NONE;
        for (int op = 0; op < s.ops; ++op)
            if (now.head[op] + s.duration[op] == now.makespan && random.below(++count) == 0) i = op;
        while (i != NONE) {
            path.push_back(i);
            const int a = s.before[i], b = now.prev[i];
            const int a_end = a == NONE ? NONE : now.head[a] + s.duration[a];
            const int b_end = b == NONE ? NONE : now.head[b] + s.duration[b];
            if (a_end == b_end && a != NONE) i = a == b || random.next() & 1 ? a : b;
            else i = a_end > b_end ? a : b;
        }
        std::reverse(path.begin(), path.end());
    }

    // Sufficient conditions of Balas and Vazacopoulos (1998) that no cycle arises; where operations
    // may take no time, a path may add nothing, so equality is not enough.
    bool may_follow(int u, int v) const {
        const int next = s.after[u];
        return next == NONE || (next != v && now.tail[v] + s.duration[v] >= now.tail[next] + s.duration[next] + s.strict);
    }
    bool may_precede(int u, int v) const {
        const int previous = s.before[v];
        return previous == NONE ||
               (previous != u && now.head[u] + s.duration[u] >= now.head[previous] + s.duration[previous] + s.strict);
    }

    void offer(int u, int v, bool forward) {
        if (forward ? may_follow(u, v) : may_precede(u, v)) moves.push_back({u, v, forward, 0});
    }

    // Moves of an operation to or from the ends of its block (N7 of Zhang et al. 2007). In a shop
    // without windows the first block's front and the last block's back cannot help.
    void collect() {
        moves.clear();
        const int length = static_cast<int>(path.size());
        for (int from = 0; from < length;) {
            int to = from;
            while (to + 1 < length && now.prev[path[to + 1]] == path[to]) ++to;
            const int size = to - from + 1;
            const int* block = path.data() + from;
            const bool front = s.windowed || from > 0, back = s.windowed || to + 1 < length;
            if (size == 2) {
                if (front || back) offer(block[0], block[1], true);
            } else if (size > 2) {
                if (back) {
                    for (int i = 0; i < size - 1; ++i) offer(block[i], block[size - 1], true);
                    for (int i = 1; i < size - 2; ++i) offer(block[i], block[size - 1], false);
                }
                if (front) {
                    for (int i = 1; i < size; ++i) offer(block[0], block[i], false);
                    for (int i = 2; i < size - 1; ++i) offer(block[0], block[i], true);
                }
                if (s.windowed)
                    for (int i = 1; i + 2 < size; ++i) offer(block[i], block[i + 1], true);
            }
            from = to + 1;
        }
    }

    // Whether the path is one machine's or one job's work without a pause: then it is a bound.
    bool proved() const {
        if (s.windowed) return false;
        bool one_machine = true, one_job = true;
        for (size_t i = 1; i < path.size(); ++i) {
            one_machine &= now.prev[path[i]] == path[i - 1];
            one_job &= s.before[path[i]] == path[i - 1];
        }
        return one_machine || one_job;
    }

    int end_before(int op) const { return s.before[op] == NONE ? 0 : now.head[s.before[op]] + s.duration[s.before[op]]; }
    int rest_after(int op) const { return s.after[op] == NONE ? 0 : now.tail[s.after[op]] + s.duration[s.after[op]]; }

    // Makespan through the operations that a move concerns, their neighbours left as they are
    // (Balas and Vazacopoulos 1998).
    int estimate(const Move& move) {
        int size = 0;
        if (!move.forward) chain[size++] = move.v;
        for (int op = move.forward ? now.next[move.u] : move.u; op != (move.forward ? now.next[move.v] : move.v);
             op = now.next[op])
            chain[size++] = op;
        if (move.forward) chain[size++] = move.u;
        const int outer_prev = now.prev[move.u], outer_next = now.next[move.v];
        int ready = outer_prev == NONE ? 0 : now.head[outer_prev] + s.duration[outer_prev];
        for (int i = 0; i < size; ++i) {
            const int op = chain[i];
            chain_head[i] = s.fit(op, std::max(ready, end_before(op)));
            ready = chain_head[i] + s.duration[op];
        }
        int rest = outer_next == NONE ? 0 : now.tail[outer_next] + s.duration[outer_next];
        int longest = 0;
        for (int i = size - 1; i >= 0; --i) {
            const int op = chain[i];
            rest = std::max(rest, rest_after(op));
            if (s.windowed) rest = now.makespan - s.fit_back(op, now.makespan - rest);
            longest = std::max(longest, chain_head[i] + s.duration[op] + rest);
            rest += s.duration[op];
        }
        return longest;
    }

    int exact(const Move& move) {
        trial.prev = now.prev;
        trial.next = now.next;
        apply(trial, move);
        return trial.time() ? trial.makespan : std::numeric_limits<int>::max();
    }

    // Values of all moves. With windows the estimate is only a guide, so the moves it likes best
    // are timed in full (all of them in a small shop).
    void evaluate() {
        for (Move& move : moves) move.value = estimate(move);
        if (!s.windowed) return;
        const size_t limit = static_cast<size_t>(s.ops) * moves.size() <= 4000 ? moves.size() : 8;
        if (moves.size() > limit) {
            std::stable_sort(moves.begin(), moves.end(), [](const Move& a, const Move& b) { return a.value < b.value; });
            moves.resize(limit);
        }
        for (Move& move : moves) move.value = exact(move);
    }

    int64_t& forbidden(int a, int b) { return tabu[static_cast<size_t>(a) * s.widest + s.rank[b]]; }

    bool is_tabu(const Move& move) {
        if (move.forward) {
            for (int op = now.next[move.u];; op = now.next[op]) {
                if (forbidden(op, move.u) > steps) return true;
                if (op == move.v) return false;
            }
        }
        for (int op = move.u; op != move.v; op = now.next[op])
            if (forbidden(move.v, op) > steps) return true;
        return false;
    }

    // Forbid to restore any of the orders that the move is about to turn round.
    void remember(const Move& move) {
        const int base = 10 + s.jobs / std::max(1, s.machines);
        const int spread = std::max(1, s.jobs <= 2 * s.machines ? (2 * base) / 5 : base / 2);
        const int64_t until = steps + base + random.below(spread + 1);
        if (move.forward) {
            for (int op = now.next[move.u];; op = now.next[op]) {
                forbidden(move.u, op) = until;
                if (op == move.v) break;
            }
        } else {
            for (int op = move.u; op != move.v; op = now.next[op]) forbidden(op, move.v) = until;
        }
    }

    void note() {
        if (now.makespan < run.makespan) {
            store(run);
            idle = 0;
        }
        if (run.makespan < best.makespan) {
            best = run;
            finished = best.makespan <= lower;
        }
    }

    void step_tabu() {
        ++idle;
        critical_path();
        collect();
        if (moves.empty()) {
            finished = proved();
            idle = patience;
            return;
        }
        evaluate();
        const Move* chosen = nullptr;
        int ties = 0;
        for (const Move& move : moves) {
            if (chosen && move.value > chosen->value) continue;
            if (move.value >= best.makespan && is_tabu(move)) continue;
            if (!chosen || move.value < chosen->value) chosen = &move, ties = 1;
            else if (random.below(++ties) == 0) chosen = &move;
        }
        const Move move = chosen ? *chosen : moves[random.below(static_cast<int>(moves.size()))];
        remember(move);
        apply(now, move);
        retime();
        note();
    }

    // One best improving move; in a local optimum back to the run's best, and a few random moves.
    void step_descent() {
        critical_path();
        collect();
        evaluate();
        const Move* chosen = nullptr;
        for (const Move& move : moves)
            if (!chosen || move.value < chosen->value) chosen = &move;
        if (chosen && chosen->value < now.makespan) {
            const int before = now.makespan;
            apply(now, *chosen);
            retime();
            if (now.makespan < before) return;  // the estimate can be too low; then go on to kick
        }
        const int found = now.makespan;
        if (found <= run.makespan) store(run), idle = found < best.makespan ? 0 : idle + 1;
        else ++idle;
        note();
        if (finished) return;
        if (idle >= patience) {
            fresh();
            return;
        }
        resume(run);
        for (int kicks = 2 + random.below(3); kicks > 0; --kicks) {
            critical_path();
            collect();
            if (moves.empty()) {
                finished = proved();
                idle = patience;
                return;
            }
            apply(now, moves[random.below(static_cast<int>(moves.size()))]);
            retime();
        }
    }

    // Van Laarhoven, Aarts and Lenstra (1992): turn round a random neighbouring pair of the
    // critical path. Cooling is geometric; each cycle is twice as long as the last.
    void step_annealing() {
        critical_path();
        int count = 0, u = NONE;
        for (size_t i = 1; i < path.size(); ++i) {
            const int a = path[i - 1], b = path[i];
            if (now.prev[b] == a && s.before[b] != a && random.below(++count) == 0) u = a;
        }
        if (u == NONE) {
            finished = proved();
            if (!finished) fresh();
            return;
        }
        const int v = now.next[u], before = now.makespan;
        now.put_after(u, v);
        const double heat = hot * std::pow(cold / hot, static_cast<double>(cycle_step) / static_cast<double>(cycle));
        const bool timed = now.time();
        if (!timed || (now.makespan > before && random.unit() >= std::exp((before - now.makespan) / heat))) {
            now.put_before(u, v);
            now.time();
        } else {
            note();
        }
        if (++cycle_step >= cycle) {
            cycle_step = 0;
            cycle *= 2;
            run = best;
            resume(best);
        }
    }

    void start_from_keys(bool active) {
        dispatch(s, KEYS, active, keys.data(), order, at, job_free, machine_free, work);
        now.link(order, last);
        retime();
    }

    // Begin again from a random active schedule.
    void fresh() {
        for (double& key : keys) key = random.unit();
        start_from_keys(true);
        begin();
    }

    void begin() {
        ++starts;
        idle = 0;
        std::fill(tabu.begin(), tabu.end(), 0);
        store(run);
        note();
    }

    int distance(const Elite& a, const Elite& b) const {
        int differs = 0;
        for (int i = 0; i < s.ops; ++i) differs += a.prev[i] != b.prev[i];
        return differs;
    }

    // Put the finished run among the elite if it is good and unlike them.
    void enter_pool() {
        const int near = std::max(1, s.ops / 40);
        for (Elite& member : pool)
            if (distance(member, run) <= near) {
                if (run.makespan < member.makespan) member = run, stale = 0;
                else ++stale;
                return;
            }
        if (static_cast<int>(pool.size()) < pool_size) {
            pool.push_back(run);
            return;
        }
        auto worst = std::max_element(pool.begin(), pool.end(), [](const Elite& a, const Elite& b) { return a.makespan < b.makespan; });
        if (run.makespan < worst->makespan) *worst = run, stale = 0;
        else ++stale;
    }

    // The next start: random until the pool is full, then between two of the elite. Operations
    // are sequenced by a weighted mean of their starts in both, which keeps every order that the
    // two agree on (a short cut through the path relinking of Peng, Lü and Cheng 2015).
    void relink() {
        if (pool_size < 2) {
            fresh();
            return;
        }
        enter_pool();
        if (stale > 4 * pool_size) {
            stale = 0;
            pool.clear();
            pool.push_back(best);
        }
        if (static_cast<int>(pool.size()) < pool_size) {
            fresh();
            return;
        }
        const int size = static_cast<int>(pool.size());
        const int a = random.below(size), b = (a + 1 + random.below(size - 1)) % size;
        const double share = 0.3 + 0.4 * random.unit();
        for (int i = 0; i < s.ops; ++i) keys[i] = (1 - share) * pool[a].head[i] + share * pool[b].head[i];
        std::iota(order.begin(), order.end(), 0);
        std::sort(order.begin(), order.end(), [this](int x, int y) { return keys[x] != keys[y] ? keys[x] < keys[y] : x < y; });
        now.link(order, last);
        retime();
        begin();
    }

    int advance(int64_t count) {
        for (; count > 0 && !finished; --count) {
            ++steps;
            if (kind == TABU) {
                step_tabu();
                if (idle >= patience && !finished) relink();
            } else if (kind == DESCENT) {
                step_descent();
            } else {
                step_annealing();
            }
        }
        return best.makespan;
    }
};

// Starts of the orders written down in `sequence`; -1 where contradiction leaves none.
void time_sequence(const Shop& s, Ints sequence, LongsOut out) {
    Plan plan(s);
    std::vector<int> last(s.machines);
    plan.link(sequence.data(), last);
    int timed = 0;
    plan.time(&timed);
    std::fill(out.data(), out.data() + s.ops, int64_t{-1});
    for (int i = 0; i < timed; ++i) out.data()[plan.queue[i]] = plan.head[plan.queue[i]];
}

void dispatch_sequence(const Shop& s, int rule, bool active, Reals keys, IntsOut out) {
    std::vector<int> sequence(s.ops), at(s.jobs), job_free(s.jobs), machine_free(s.machines), work(s.jobs);
    dispatch(s, rule, active, keys.data(), sequence, at, job_free, machine_free, work);
    std::copy(sequence.begin(), sequence.end(), out.data());
}

// table[i][i]: makespan after move i alone; table[i][j]: after i and j; -1 where none exists.
void time_moves(const Shop& s, Ints sequence, Ints u, Ints v, Ints forward, TableOut table) {
    Plan base(s), plan(s);
    std::vector<int> last(s.machines);
    base.link(sequence.data(), last);
    const int count = static_cast<int>(u.size());
    for (int i = 0; i < count; ++i)
        for (int j = i; j < count; ++j) {
            plan.prev = base.prev;
            plan.next = base.next;
            apply(plan, {u.data()[i], v.data()[i], forward.data()[i] != 0, 0});
            if (j != i) apply(plan, {u.data()[j], v.data()[j], forward.data()[j] != 0, 0});
            const int64_t value = plan.time() ? plan.makespan : -1;
            table.data()[static_cast<size_t>(i) * count + j] = value;
            table.data()[static_cast<size_t>(j) * count + i] = value;
        }
}

// Latest ends that keep the makespan of the orders in `sequence`.
void latest_ends(const Shop& s, Ints sequence, LongsOut out) {
    Plan plan(s);
    std::vector<int> last(s.machines);
    plan.link(sequence.data(), last);
    if (!plan.time()) return;
    plan.time_back();
    for (int i = 0; i < s.ops; ++i) out.data()[i] = plan.makespan - plan.tail[i];
}

}  // namespace

NB_MODULE(_jobshop, module) {
    using Free = nb::call_guard<nb::gil_scoped_release>;
    nb::class_<Shop>(module, "Shop").def(nb::init<Ints, Ints, Ints, Ints, Ints, Ints>());
    module.def("time_sequence", &time_sequence, Free());
    module.def("dispatch_sequence", &dispatch_sequence, Free());
    module.def("time_moves", &time_moves, Free());
    module.def("latest_ends", &latest_ends, Free());
    nb::class_<Search>(module, "Search")
        .def("advance", &Search::advance, Free())
        .def_prop_ro("makespan", [](const Search& search) { return search.best.makespan; })
        .def_prop_ro("finished", [](const Search& search) { return search.finished; })
        .def_prop_ro("starts", [](const Search& search) { return search.starts; })
        .def_prop_ro("steps", [](const Search& search) { return search.steps; })
        .def("best", [](const Search& search, LongsOut out) {
            std::copy(search.best.head.begin(), search.best.head.end(), out.data());
        });
    module.def("search", [](const Shop& shop, int kind, uint64_t seed, int patience, int pool, int lower, Ints sequence) {
        return new Search(std::make_shared<Shop>(shop), kind, seed, patience, pool, lower, sequence);
    }, nb::rv_policy::take_ownership);
}
