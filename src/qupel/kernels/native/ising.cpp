// Search kernels for Ising models: bindings. One header an idea, under ising/.
//
// Every kernel does a bounded amount of work on state that the caller owns, and returns. Work is
// counted in rough nanoseconds from the path alone, never read from a clock.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/tuple.h>
#include <omp.h>

#include <memory>
#include <numeric>
#include <vector>

#include "ising/bifurcate.hpp"
#include "ising/bundle_search.hpp"
#include "ising/dense.hpp"
#include "ising/enumerate.hpp"
#include "ising/graft.hpp"
#include "ising/paths.hpp"
#include "ising/tabu.hpp"
#include "ising/temper.hpp"

namespace nb = nanobind;
using namespace qupel;

namespace {

template <class T>
using Row = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Table = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// Holds the arrays that a form points into.
template <class Real>
struct Held {
    Row<const Real> fields;
    Row<const int64_t> starts;
    Row<const int32_t> columns;
    Row<const Real> weights;
    Table<const Real> dense;
    Row<const int64_t> edges;
    Row<const int64_t> counts;
    Row<const Real> strongest;
    Row<const uint8_t> crowded;
    Form<Real> form;
    double reach = 0;  // most that a local field can be

    Held(Row<const Real> fields_, Row<const int64_t> starts_, Row<const int32_t> columns_,
         Row<const Real> weights_, Table<const Real> dense_, Row<const int64_t> edges_,
         Row<const int64_t> counts_, Row<const Real> strongest_, Row<const uint8_t> crowded_,
         double tolerance)
        : fields(fields_), starts(starts_), columns(columns_), weights(weights_), dense(dense_),
          edges(edges_), counts(counts_), strongest(strongest_), crowded(crowded_) {
        form.n = int64_t(fields.shape(0));
        form.stride = (form.n + kLanes - 1) / kLanes * kLanes;
        form.starts = starts.data();
        form.columns = columns.data();
        form.weights = weights.data();
        form.dense = dense.size() ? dense.data() : nullptr;
        form.fields = fields.data();
        form.edges = edges.data();
        form.groups = int64_t(edges.shape(0)) - 1;
        form.free = edges.data()[0];
        form.strongest = strongest.data();
        form.crowded = crowded.data();
        form.tolerance = Real(tolerance);
        for (int64_t i = 0; i < form.n; ++i) {
            double sum = std::abs(double(form.fields[i]));
            for (int64_t e = form.starts[i]; e < form.starts[i + 1]; ++e)
                sum += std::abs(double(form.weights[e]));
            reach = std::max(reach, sum);
        }
    }
};

template <class Real>
struct Chains {
    Table<Real> spins;
    Table<Real> locals;
    Row<double> energies;

    int64_t size() const { return int64_t(spins.shape(0)); }
    Chain<Real> at(int64_t r) const {
        return {spins.data() + r * int64_t(spins.shape(1)),
                locals.data() + r * int64_t(locals.shape(1)), energies.data()[r]};
    }
    void put(int64_t r, const Chain<Real>& chain) const { energies.data()[r] = chain.energy; }
};

template <class Real>
struct Scratch {
    std::vector<int32_t> slots;
    std::vector<Real> zero;
    explicit Scratch(const Form<Real>& form)
        : slots(size_t(form.stride)), zero(size_t(form.stride)) {}
};

// One clone of each loop for each instruction set, for both precisions.
// Form and chain are copied, so that the compiler knows nothing else changes them.
#define QUPEL_BOTH(NAME, TAKES, GIVES)              \
    QUPEL_CLONES void NAME##_chunk TAKES(float) {   \
        const Form<float> f = form;                 \
        Chain<float> c = chain;                     \
        NAME GIVES;                                 \
        chain = c;                                  \
    }                                               \
    QUPEL_CLONES void NAME##_chunk TAKES(double) {  \
        const Form<double> f = form;                \
        Chain<double> c = chain;                    \
        NAME GIVES;                                 \
        chain = c;                                  \
    }

#define TAKES(R) (const Form<R>& form, Chain<R>& chain, Place& p, const Cooling& l, uint64_t k, int64_t w, R* b, double& e, int32_t* s)
QUPEL_BOTH(anneal, TAKES, (f, c, p, l, k, w, b, e, s))
#undef TAKES
#define TAKES(R) (const Form<R>& form, Chain<R>& chain, R t, uint64_t k, int64_t& w, int32_t* s)
QUPEL_BOTH(whole_sweep, TAKES, (f, c, t, k, w, s))
#undef TAKES
#define TAKES(R) (const Form<R>& form, Chain<R>& chain)
QUPEL_BOTH(prepare, TAKES, (f, c))
#undef TAKES
#define TAKES(R) (const Form<R>& form, Chain<R>& chain, uint64_t k, int32_t* s, R* z)
QUPEL_BOTH(descend, TAKES, (f, c, k, s, z, [](int64_t) { return true; }))
#undef TAKES
#define TAKES(R) (const Form<R>& form, Chain<R>& chain, uint64_t k, int64_t m, int32_t* s, R* z, bool& d)
QUPEL_BOTH(steepest, TAKES, (f, c, k, m, s, z, d))
#undef TAKES
#define TAKES(R) (const Form<R>& form, Chain<R>& chain, Place& p, int64_t m, uint64_t k, int64_t w, R* b, double& e, int32_t* s, R* z, int32_t* j, int64_t r)
QUPEL_BOTH(wander, TAKES, (f, c, p, m, k, w, b, e, s, z, j, r))
#undef TAKES
#define TAKES(R) (const Form<R>& form, Chain<R>& chain, int32_t* u, Trail& t, const Tenure& a, const Room<R>& o, uint64_t k, int64_t w, R* b, double& e, int32_t* s, R* z)
QUPEL_BOTH(tabu, TAKES, (f, c, u, t, a, o, k, w, b, e, s, z))
#undef TAKES
#define TAKES(R) (const Form<R>& form, Chain<R>& chain, const R* g, bool m, int32_t* q, uint8_t* s, int64_t& n)
QUPEL_BOTH(graft, TAKES, (f, c, g, m, q, s, n))
#undef TAKES
#define TAKES(R) (const Form<R>& f, const int64_t* c, float* x, float* y, float* s, int64_t a, int64_t b, const Pump& p, bool d)
QUPEL_CLONES void bifurcate_chunk TAKES(float) { bifurcate(f, c, x, y, s, a, b, p, d); }
QUPEL_CLONES void bifurcate_chunk TAKES(double) { bifurcate(f, c, x, y, s, a, b, p, d); }
#undef TAKES
QUPEL_CLONES uint64_t enumerate_chunk(const double* f, const double* c, int64_t n, double* e,
                                      double* felt, uint64_t from, uint64_t until, Found& found) {
    return enumerate(f, c, n, e, felt, from, until, found);
}

#define TAKES(R) (const Form<R>& f, const Paths<R>& p, const Ties& t, uint64_t k, int64_t a, int64_t b, bool c, int64_t& w)
QUPEL_CLONES void paths_chunk TAKES(float) { w += sweep_paths(f, p, t, k, a, b, c); }
QUPEL_CLONES void paths_chunk TAKES(double) { w += sweep_paths(f, p, t, k, a, b, c); }
#undef TAKES

// Run `body(r, scratch)` for every r below `size`; which thread does it does not matter.
template <class Real, class Body>
void each(const Form<Real>& form, int64_t size, int threads, Body body) {
    if (threads <= 1 || size <= 1) {
        Scratch<Real> scratch(form);
        for (int64_t r = 0; r < size; ++r) body(r, scratch);
        return;
    }
#pragma omp parallel num_threads(threads)
    {
        Scratch<Real> scratch(form);
#pragma omp for schedule(dynamic, 1)
        for (int64_t r = 0; r < size; ++r) body(r, scratch);
    }
}

template <class Real>
void bind_prepare(const Held<Real>& held, Table<Real> spins, Table<Real> locals,
                  Row<double> energies) {
    const Chains<Real> chains{spins, locals, energies};
    nb::gil_scoped_release release;
    for (int64_t r = 0; r < chains.size(); ++r) {
        Chain<Real> chain = chains.at(r);
        prepare_chunk(held.form, chain);
        chains.put(r, chain);
    }
}

template <class Real>
void bind_anneal(const Held<Real>& held, Table<Real> spins, Table<Real> locals,
                 Row<double> energies, Table<Real> best, Row<double> least, Table<int64_t> places,
                 Row<const int64_t> sweeps, Row<const uint64_t> keys, double hot, double cold,
                 int64_t budget, int threads) {
    const Chains<Real> chains{spins, locals, energies};
    nb::gil_scoped_release release;
    each(held.form, chains.size(), threads, [&](int64_t r, Scratch<Real>& scratch) {
        Chain<Real> chain = chains.at(r);
        Place place{places.data()[2 * r], places.data()[2 * r + 1]};
        const Cooling cooling{hot, cold, sweeps.data()[r]};
        anneal_chunk(held.form, chain, place, cooling, keys.data()[r], budget,
                     best.data() + r * int64_t(best.shape(1)), least.data()[r],
                     scratch.slots.data());
        places.data()[2 * r] = place.sweep;
        places.data()[2 * r + 1] = place.position;
        chains.put(r, chain);
    });
}

template <class Real>
void bind_descend(const Held<Real>& held, Table<Real> spins, Table<Real> locals,
                  Row<double> energies, uint64_t key, int threads) {
    const Chains<Real> chains{spins, locals, energies};
    nb::gil_scoped_release release;
    each(held.form, chains.size(), threads, [&](int64_t r, Scratch<Real>& scratch) {
        Chain<Real> chain = chains.at(r);
        descend_chunk(held.form, chain, draw(key, uint64_t(r)), scratch.slots.data(),
                      scratch.zero.data());
        chains.put(r, chain);
    });
}

template <class Real>
bool bind_steepest(const Held<Real>& held, Table<Real> spins, Table<Real> locals,
                   Row<double> energies, uint64_t key, int64_t moves) {
    const Chains<Real> chains{spins, locals, energies};
    nb::gil_scoped_release release;
    Scratch<Real> scratch(held.form);
    bool done = true;
    for (int64_t r = 0; r < chains.size(); ++r) {
        Chain<Real> chain = chains.at(r);
        bool minimum = false;
        steepest_chunk(held.form, chain, draw(key, uint64_t(r)), moves, scratch.slots.data(),
                       scratch.zero.data(), minimum);
        done &= minimum;
        chains.put(r, chain);
    }
    return done;
}

template <class Real>
void bind_wander(const Held<Real>& held, Table<Real> spins, Table<Real> locals,
                 Row<double> energies, Table<Real> best, Row<double> least, Row<int64_t> kicks,
                 Row<const uint64_t> keys, int64_t most, int64_t budget, int threads) {
    const Chains<Real> chains{spins, locals, energies};
    nb::gil_scoped_release release;
    if (held.form.n == 0) return;
    const int64_t room = 4 * held.form.n + 256;
    each(held.form, chains.size(), threads, [&](int64_t r, Scratch<Real>& scratch) {
        std::vector<int32_t> journal(size_t(room) + 2);
        Chain<Real> chain = chains.at(r);
        Place place{kicks.data()[r], 0};
        wander_chunk(held.form, chain, place, most, keys.data()[r], budget,
                     best.data() + r * int64_t(best.shape(1)), least.data()[r],
                     scratch.slots.data(), scratch.zero.data(), journal.data(), room);
        kicks.data()[r] = place.sweep;
        chains.put(r, chain);
    });
}

template <class Real>
void bind_tabu(const Held<Real>& held, Table<Real> spins, Table<Real> locals,
               Row<double> energies, Table<Real> best, Row<double> least, Table<int32_t> until,
               Table<int64_t> trails, Row<const int64_t> lengths, Row<const uint64_t> keys,
               int64_t base, int64_t high, int64_t spread, int64_t patience, int64_t budget,
               int threads) {
    const Chains<Real> chains{spins, locals, energies};
    nb::gil_scoped_release release;
    const int64_t stride = held.form.stride, width = Blocks<Real>::width_of(stride);
    int64_t size = 64;
    while (size < std::max(base, high) + spread + 2) size *= 2;
    each(held.form, chains.size(), threads, [&](int64_t r, Scratch<Real>& scratch) {
        std::vector<Real> costs(size_t(2 * (stride + width)));
        std::vector<int32_t> calendar(size_t(size + stride));
        const Room<Real> room{costs.data(), calendar.data(), calendar.data() + size, size - 1,
                              held.reach};
        Chain<Real> chain = chains.at(r);
        Trail trail{trails.data()[2 * r], trails.data()[2 * r + 1]};
        const Tenure tenure{base, high, spread, lengths.data()[r], patience};
        tabu_chunk(held.form, chain, until.data() + r * int64_t(until.shape(1)), trail, tenure,
                   room, keys.data()[r], budget, best.data() + r * int64_t(best.shape(1)),
                   least.data()[r], scratch.slots.data(), scratch.zero.data());
        trails.data()[2 * r] = trail.step;
        trails.data()[2 * r + 1] = trail.improved;
        chains.put(r, chain);
    });
}

// Take into each chain the regions of the guest beside it that are no worse. Where a guest's
// mirror image is as good, the nearer of the two is taken.
template <class Real>
void bind_graft(const Held<Real>& held, Table<Real> spins, Table<Real> locals,
                Row<double> energies, Table<const Real> guests, bool mirror,
                Row<int64_t> regions) {
    const Chains<Real> chains{spins, locals, energies};
    nb::gil_scoped_release release;
    Scratch<Real> scratch(held.form);
    std::vector<uint8_t> seen(size_t(held.form.n));
    for (int64_t r = 0; r < chains.size(); ++r) {
        Chain<Real> chain = chains.at(r);
        const Real* guest = guests.data() + r * int64_t(guests.shape(1));
        int64_t same = 0;
        for (int64_t i = 0; i < held.form.n; ++i) same += guest[i] == chain.spin[i];
        graft_chunk(held.form, chain, guest, mirror && 2 * same < held.form.n,
                    scratch.slots.data(), seen.data(), regions.data()[r]);
        chains.put(r, chain);
    }
}

// `places` is one row: turns completed, and the next chain of the present turn. Chains are swept
// in batches, so that one call stays short on large forms; turns too short for threads have none.
constexpr int64_t kBatch = 8, kWorthThreads = 32768;

template <class Real>
void bind_temper(const Held<Real>& held, Table<Real> spins, Table<Real> locals,
                 Row<double> energies, Table<Real> best, Row<double> least, Row<int64_t> place,
                 Row<const double> temperatures, Table<int32_t> at, Table<int64_t> exchanges,
                 int64_t clustered, uint64_t key, int64_t budget, int threads) {
    const Chains<Real> chains{spins, locals, energies};
    nb::gil_scoped_release release;
    const Form<Real>& form = held.form;
    if (form.n == 0) return;
    const int64_t ladders = int64_t(at.shape(0)), rungs = int64_t(at.shape(1));
    std::vector<int64_t> work(size_t(chains.size()));
    std::vector<int32_t> queue(clustered ? size_t(2 * form.n) : 0);
    const int64_t many = std::max(kBatch, kWorthThreads / std::max<int64_t>(form.n, 1));
    if (many > ladders * rungs) threads = 1;
    int64_t& turn = place.data()[0];
    int64_t& next = place.data()[1];
    for (int64_t spent = 0; spent < budget;) {
        const uint64_t now = draw(key, uint64_t(turn));
        const int64_t batch = std::min(many, ladders * rungs - next);
        each(form, batch, threads, [&](int64_t b, Scratch<Real>& scratch) {
            const int64_t slot = next + b, r = at.data()[slot];
            Chain<Real> chain = chains.at(r);
            whole_sweep_chunk(form, chain, Real(temperatures.data()[slot % rungs]),
                              draw(now, uint64_t(slot)), work[size_t(slot)],
                              scratch.slots.data());
            keep(form, chain, best.data() + r * int64_t(best.shape(1)), least.data()[r]);
            chains.put(r, chain);
        });
        for (int64_t b = 0; b < batch; ++b) spent += work[size_t(next + b)];
        next += batch;
        if (next < ladders * rungs) continue;
        next = 0;
        for (int64_t l = 0; l < ladders; ++l)
            exchange(chains.energies.data(), temperatures.data(), at.data() + l * rungs, rungs,
                     turn, draw(now, uint64_t(ladders * rungs + l)),
                     exchanges.data() + l * rungs);
        for (int64_t rung = 0; rung < clustered; ++rung)
            for (int64_t l = 0; l + 1 < ladders; l += 2) {
                const int64_t a = at.data()[l * rungs + rung], b = at.data()[(l + 1) * rungs + rung];
                Chain<Real> first = chains.at(a), second = chains.at(b);
                trade_cluster(form, first, second, draw(~now, uint64_t(l * rungs + rung)),
                              queue.data());
                chains.put(a, first);
                chains.put(b, second);
                for (const auto& [r, chain] : {std::pair{a, first}, std::pair{b, second}})
                    keep(form, chain, best.data() + r * int64_t(best.shape(1)), least.data()[r]);
                spent += form.n;
            }
        ++turn;
    }
}

template <class Real>
void bind_bifurcate(const Held<Real>& held, nb::ndarray<float, nb::ndim<3>, nb::c_contig> x,
                    nb::ndarray<float, nb::ndim<3>, nb::c_contig> y,
                    nb::ndarray<float, nb::ndim<3>, nb::c_contig> seen, int64_t from, int64_t until,
                    double step, double strength, double pull, int64_t steps, bool discrete,
                    int threads) {
    nb::gil_scoped_release release;
    const Pump pump{float(step), float(strength), float(pull), steps};
    const int64_t size = held.form.n * kBlock;
    each(held.form, int64_t(x.shape(0)), threads, [&](int64_t block, Scratch<Real>&) {
        bifurcate_chunk(held.form, held.counts.data(), x.data() + block * size,
                        y.data() + block * size, seen.data() + block * size, from, until, pump,
                        discrete);
    });
}

std::tuple<uint64_t, int64_t> bind_enumerate(Row<const double> fields, Table<const double> couplings,
                                             uint64_t from, uint64_t until, Row<uint64_t> states,
                                             Row<double> energies, int64_t size, double limit) {
    nb::gil_scoped_release release;
    const int64_t n = int64_t(fields.shape(0));
    std::vector<double> scratch(size_t(n * kWays));
    double energy[kWays];
    Found found{states.data(), energies.data(), size, int64_t(states.shape(0)), limit};
    const uint64_t next = enumerate_chunk(fields.data(), couplings.data(), n, energy,
                                          scratch.data(), from, until, found);
    return {next, found.size};
}

void bind_colour(Row<const int64_t> starts, Row<const int32_t> columns, Row<int32_t> colours) {
    nb::gil_scoped_release release;
    const int64_t n = int64_t(colours.shape(0));
    std::vector<int64_t> last(size_t(n) + 1);
    colour(starts.data(), columns.data(), n, colours.data(), last.data());
}

// Whether every number is a whole multiple of 1 / scale.
bool bind_whole(Row<const double> numbers, double scale) {
    nb::gil_scoped_release release;
    constexpr size_t kRun = 1024;
    for (size_t from = 0; from < numbers.shape(0); from += kRun) {
        const size_t until = std::min(from + kRun, numbers.shape(0));
        bool whole = true;
        for (size_t i = from; i < until; ++i) {
            const double scaled = numbers.data()[i] * scale;
            whole &= std::abs(scaled) < 4503599627370496.0 && double(int64_t(scaled)) == scaled;
        }
        if (!whole) return false;
    }
    return true;
}

// Of each row, the strongest entry and the sum of all, in size.
void bind_reach(Row<const int64_t> starts, Row<const double> values, Row<double> strongest,
                Row<double> total) {
    nb::gil_scoped_release release;
    for (int64_t i = 0; i + 1 < int64_t(starts.shape(0)); ++i) {
        double most = 0, sum = 0;
        for (int64_t e = starts.data()[i]; e < starts.data()[i + 1]; ++e) {
            const double size = std::abs(values.data()[e]);
            most = std::max(most, size);
            sum += size;
        }
        strongest.data()[i] = most;
        total.data()[i] = sum;
    }
}

// Sum of the squares of each row.
template <class Real>
void bind_squares(Row<const int64_t> starts, Row<const Real> values, Row<double> out) {
    nb::gil_scoped_release release;
    for (int64_t i = 0; i + 1 < int64_t(starts.shape(0)); ++i) {
        double sum = 0;
        for (int64_t e = starts.data()[i]; e < starts.data()[i + 1]; ++e)
            sum += double(values.data()[e]) * double(values.data()[e]);
        out.data()[i] = sum;
    }
}

// The greatest common divisor of `found` and all numbers, each a whole multiple of 1 / scale.
template <class Real>
int64_t bind_divisor(Row<const Real> numbers, double scale, int64_t found) {
    nb::gil_scoped_release release;
    int64_t last = 0;
    for (size_t i = 0; i < numbers.shape(0); ++i) {
        const int64_t here = std::abs(int64_t(double(numbers.data()[i]) * scale));
        if (here == last) continue;
        last = here;
        found = std::gcd(found, here);
    }
    return found;
}

// Lay CSR rows out in full.
template <class Real>
void bind_spread(Row<const int64_t> starts, Row<const int32_t> columns, Row<const Real> weights,
                 Table<Real> dense) {
    nb::gil_scoped_release release;
    for (int64_t i = 0; i + 1 < int64_t(starts.shape(0)); ++i)
        for (int64_t e = starts.data()[i]; e < starts.data()[i + 1]; ++e)
            dense.data()[i * int64_t(dense.shape(1)) + columns.data()[e]] = weights.data()[e];
}

// Returns (rows found in all, whether configurations are left).
template <class Real>
std::tuple<int64_t, bool> bind_combine(const Held<Real>& held, Table<Real> spins,
                                       Table<Real> locals, Row<double> energies,
                                       Row<int32_t> chosen, Table<Real> rows, Row<double> kept,
                                       int64_t size, double limit, int64_t budget) {
    const Chains<Real> chains{spins, locals, energies};
    nb::gil_scoped_release release;
    Chain<Real> chain = chains.at(0);
    prepare_chunk(held.form, chain);
    const int64_t room = int64_t(rows.shape(0)), width = int64_t(rows.shape(1));
    int64_t work = 0;
    bool left = true;
    while (left && work < budget && size < room) {
        if (chain.energy < limit) {
            std::memcpy(rows.data() + size * width, chain.spin, size_t(held.form.n) * sizeof(Real));
            kept.data()[size++] = chain.energy;
        }
        work += 4;
        left = advance(held.form, chain, held.counts.data(), chosen.data(), work);
    }
    chains.put(0, chain);
    return {size, left};
}

// Holds the arrays that a model in small integers points into.
struct HeldSmall {
    Row<const int64_t> starts;
    Row<const int32_t> columns;
    Row<const int8_t> weights;
    Row<const int16_t> fields;
    Row<const uint8_t> odd;
    Small form;

    HeldSmall(Row<const int64_t> starts_, Row<const int32_t> columns_, Row<const int8_t> weights_,
              Row<const int16_t> fields_, Row<const uint8_t> odd_, double unit, bool plain)
        : starts(starts_), columns(columns_), weights(weights_), fields(fields_), odd(odd_),
          form{int64_t(fields.shape(0)), starts.data(), columns.data(), weights.data(), odd.data(),
               unit, plain} {}
};

using Locals = nb::ndarray<int8_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

Bundle bundle_at(Table<uint64_t> down, const Locals& locals, Table<double> energies, int64_t b) {
    const int64_t n = int64_t(down.shape(1));
    return {down.data() + b * n, locals.data() + b * n * kWidth, energies.data() + b * kWidth};
}

// Run `body(b, prices)` for every bundle.
template <class Body>
void each_bundle(int64_t size, int threads, Body body) {
#pragma omp parallel num_threads(threads) if (threads > 1 && size > 1)
    {
        const auto prices = std::make_unique<Prices>();
#pragma omp for schedule(dynamic, 1)
        for (int64_t b = 0; b < size; ++b) body(b, *prices);
    }
}

void bind_bundle_prepare(const HeldSmall& held, Table<uint64_t> down, Locals locals,
                         Table<double> energies) {
    nb::gil_scoped_release release;
    for (int64_t b = 0; b < int64_t(down.shape(0)); ++b)
        prepare(held.form, held.fields.data(), bundle_at(down, locals, energies, b));
}

void bind_bundle_anneal(const HeldSmall& held, Table<uint64_t> down, Locals locals,
                        Table<double> energies, Table<int8_t> best, Row<double> least,
                        Table<int64_t> places, int64_t sweeps, Row<const uint64_t> keys, double hot,
                        double cold, int64_t budget, int threads) {
    nb::gil_scoped_release release;
    const Cooling cooling{hot, cold, sweeps};
    each_bundle(int64_t(down.shape(0)), threads, [&](int64_t b, Prices& prices) {
        uint64_t fine[2 * kLevels];
        Place place{places.data()[2 * b], places.data()[2 * b + 1]};
        anneal(held.form, bundle_at(down, locals, energies, b), place, cooling, keys.data()[b],
               budget, best.data() + b * held.form.n, least.data()[b], prices, fine);
        places.data()[2 * b] = place.sweep;
        places.data()[2 * b + 1] = place.position;
    });
}

void bind_bundle_temper(const HeldSmall& held, Table<uint64_t> down, Locals locals,
                        Table<double> energies, Table<int8_t> best, Row<double> least,
                        Table<int64_t> places, Row<const double> temperatures,
                        nb::ndarray<int32_t, nb::ndim<3>, nb::c_contig, nb::device::cpu> at,
                        nb::ndarray<int64_t, nb::ndim<3>, nb::c_contig, nb::device::cpu> exchanges,
                        int64_t clustered, int64_t every, Row<const uint64_t> keys, int64_t budget,
                        int threads) {
    nb::gil_scoped_release release;
    const int64_t ladders = int64_t(at.shape(1)), rungs = int64_t(at.shape(2));
    each_bundle(int64_t(down.shape(0)), threads, [&](int64_t b, Prices& prices) {
        std::vector<uint64_t> fine(size_t(rungs * 2 * kLevels));
        std::vector<int32_t> queue(size_t(2 * held.form.n));
        Place place{places.data()[2 * b], places.data()[2 * b + 1]};
        const int64_t skip = b * ladders * rungs;
        const Ladders view{temperatures.data(), at.data() + skip, exchanges.data() + skip, ladders,
                           rungs, clustered, every};
        temper(held.form, bundle_at(down, locals, energies, b), place, view, keys.data()[b], budget,
               best.data() + b * held.form.n, least.data()[b], prices, fine.data(), queue.data());
        places.data()[2 * b] = place.sweep;
        places.data()[2 * b + 1] = place.position;
    });
}

// Holds the arrays that a model in fixed point points into.
struct HeldDense {
    Table<const int16_t> weights;
    Row<const int32_t> fields;
    Dense form;

    HeldDense(Table<const int16_t> weights_, Row<const int32_t> fields_, double unit, int64_t run)
        : weights(weights_), fields(fields_),
          form{int64_t(fields.shape(0)), int64_t(weights.shape(1)), weights.data(), fields.data(),
               unit, run} {}
};

struct DenseChains {
    Table<int32_t> minus, locals;
    Row<int64_t> energies;
    Table<int8_t> best;
    Row<int64_t> least;

    int64_t size() const { return int64_t(minus.shape(0)); }
    DenseChain at(int64_t r) const {
        const int64_t stride = int64_t(minus.shape(1));
        return {minus.data() + r * stride, locals.data() + r * stride, energies.data() + r};
    }
    void keep(const Dense& form, int64_t r) const {
        if (energies.data()[r] >= least.data()[r]) return;
        least.data()[r] = energies.data()[r];
        const int32_t* minus_r = at(r).minus;
        int8_t* out = best.data() + r * form.n;
        for (int64_t i = 0; i < form.n; ++i) out[i] = int8_t(1 + 2 * minus_r[i]);
    }
};

// Blocks from `position` on in all chains, some 1024 spins of each; returns the work, and moves
// the position. `half(r)` is half the temperature in the unit, `key(r)` names the sweep's stream.
template <class Half, class Key>
int64_t sweep_some(const Dense& form, const DenseChains& chains, int64_t& position, int threads,
                   Half half, Key key) {
    const int64_t end = std::min(form.n, position + 16 * kVisited);
    const int64_t size = chains.size();
    if (size * form.n < kWorthThreads) threads = 1;
    int64_t flips = 0;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static, 1) reduction(+ : flips)
    for (int team = 0; team < threads; ++team)
        for (int64_t begin = position; begin < end; begin += kVisited)
            for (int64_t r = team; r < size; r += threads)
                flips += sweep_block(form, chains.at(r), half(r), key(r), begin);
    const int64_t visits = size * (end - position);
    position = end;
    return 2 * visits + flips * (12 + form.stride / 32);
}

void bind_dense_prepare(const HeldDense& held, Table<int32_t> minus, Table<int32_t> locals,
                        Row<int64_t> energies) {
    nb::gil_scoped_release release;
    const DenseChains chains{minus, locals, energies, {}, {}};
    for (int64_t r = 0; r < chains.size(); ++r) prepare(held.form, chains.at(r));
}

void bind_dense_anneal(const HeldDense& held, Table<int32_t> minus, Table<int32_t> locals,
                       Row<int64_t> energies, Table<int8_t> best, Row<int64_t> least,
                       Row<int64_t> place, int64_t sweeps, Row<const uint64_t> keys, double hot,
                       double cold, int64_t budget, int threads) {
    nb::gil_scoped_release release;
    const DenseChains chains{minus, locals, energies, best, least};
    const Dense& form = held.form;
    const Cooling cooling{hot, cold, sweeps};
    int64_t& sweep = place.data()[0];
    int64_t& position = place.data()[1];
    for (int64_t work = 0; sweep < sweeps && work < budget;) {
        const float half = float(cooling.temperature(sweep) / 2 / form.unit);
        work += 30 + sweep_some(
            form, chains, position, threads, [&](int64_t) { return half; },
            [&](int64_t r) { return draw(keys.data()[r], uint64_t(sweep)); });
        if (position < form.n) continue;
        position = 0;
        ++sweep;
        for (int64_t r = 0; r < chains.size(); ++r) chains.keep(form, r);
    }
}

void bind_dense_temper(const HeldDense& held, Table<int32_t> minus, Table<int32_t> locals,
                       Row<int64_t> energies, Table<int8_t> best, Row<int64_t> least,
                       Row<int64_t> place, Row<const double> temperatures, Table<int32_t> at,
                       Table<int64_t> exchanges, uint64_t key, int64_t budget, int threads) {
    nb::gil_scoped_release release;
    const DenseChains chains{minus, locals, energies, best, least};
    const Dense& form = held.form;
    const int64_t size = chains.size(), ladders = int64_t(at.shape(0)), rungs = int64_t(at.shape(1));
    std::vector<float> halves(size_t(size), 0.0f);
    std::vector<double> costs(size_t(size), 0.0);
    int64_t& turn = place.data()[0];
    int64_t& position = place.data()[1];
    for (int64_t work = 0; form.n && work < budget;) {
        const uint64_t now = draw(key, uint64_t(turn));
        for (int64_t slot = 0; slot < ladders * rungs; ++slot)
            halves[size_t(at.data()[slot])] =
                float(temperatures.data()[slot % rungs] / 2 / form.unit);
        work += 30 + sweep_some(
            form, chains, position, threads, [&](int64_t r) { return halves[size_t(r)]; },
            [&](int64_t r) { return draw(now, uint64_t(r)); });
        if (position < form.n) continue;
        position = 0;
        for (int64_t r = 0; r < size; ++r) {
            chains.keep(form, r);
            costs[size_t(r)] = form.unit * double(energies.data()[r]);
        }
        for (int64_t l = 0; l < ladders; ++l)
            exchange(costs.data(), temperatures.data(), at.data() + l * rungs, rungs, turn,
                     draw(now, uint64_t(size + l)), exchanges.data() + l * rungs);
        work += 10 * size;
        ++turn;
    }
}

// Lay CSR rows out in full, as the nearest multiples of `unit`.
template <class Real>
void bind_dense_spread(Row<const int64_t> starts, Row<const int32_t> columns,
                       Row<const Real> weights, double unit, Table<int16_t> dense) {
    nb::gil_scoped_release release;
    const double scale = 1 / unit;
    for (int64_t i = 0; i + 1 < int64_t(starts.shape(0)); ++i) {
        int16_t* row = dense.data() + i * int64_t(dense.shape(1));
        for (int64_t e = starts.data()[i]; e < starts.data()[i + 1]; ++e)
            row[columns.data()[e]] = int16_t(std::nearbyint(double(weights.data()[e]) * scale));
    }
}

void bind_fixed_point(nb::module_& module) {
    nb::class_<HeldDense>(module, "Dense")
        .def(nb::init<Table<const int16_t>, Row<const int32_t>, double, int64_t>());
    module.def("dense_prepare", &bind_dense_prepare);
    module.def("dense_anneal", &bind_dense_anneal);
    module.def("dense_temper", &bind_dense_temper);
    module.def("dense_spread", &bind_dense_spread<float>);
    module.def("dense_spread", &bind_dense_spread<double>);
}

void bind_small(nb::module_& module) {
    nb::class_<HeldSmall>(module, "Small")
        .def(nb::init<Row<const int64_t>, Row<const int32_t>, Row<const int8_t>,
                      Row<const int16_t>, Row<const uint8_t>, double, bool>());
    module.def("bundle_prepare", &bind_bundle_prepare);
    module.def("bundle_anneal", &bind_bundle_anneal);
    module.def("bundle_temper", &bind_bundle_temper);
}

template <class Real>
using Slices = nb::ndarray<Real, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

template <class Real>
Paths<Real> paths_at(Table<uint64_t> down, const Slices<Real>& locals, Table<double> energies,
                     int64_t r) {
    const int64_t n = int64_t(down.shape(1)), slices = int64_t(energies.shape(1));
    return {down.data() + r * n, locals.data() + r * n * slices, energies.data() + r * slices,
            int(slices)};
}

template <class Real>
void bind_paths_prepare(const Held<Real>& held, Table<uint64_t> down, Slices<Real> locals,
                        Table<double> energies) {
    nb::gil_scoped_release release;
    for (int64_t r = 0; r < int64_t(down.shape(0)); ++r)
        prepare(held.form, paths_at(down, locals, energies, r));
}

// `fields.hot` and `fields.cold` are the first and last transverse field.
template <class Real>
void bind_paths_anneal(const Held<Real>& held, Table<uint64_t> down, Slices<Real> locals,
                       Table<double> energies, Table<int8_t> best, Row<double> least,
                       Table<int64_t> places, int64_t sweeps, Row<const uint64_t> keys,
                       double temperature, double strong, double weak, bool clusters,
                       int64_t budget, int threads) {
    nb::gil_scoped_release release;
    const Form<Real>& form = held.form;
    const Cooling fields{strong, weak, sweeps};
    constexpr int64_t kSome = 256;  // spins between two looks at the budget
    each(form, int64_t(down.shape(0)), threads, [&](int64_t r, Scratch<Real>&) {
        const Paths<Real> paths = paths_at(down, locals, energies, r);
        int64_t& sweep = places.data()[2 * r];
        int64_t& position = places.data()[2 * r + 1];
        for (int64_t work = 0; sweep < sweeps && work < budget;) {
            const Ties ties = ties_of(temperature, fields.temperature(sweep), paths.slices);
            const int64_t end = std::min(form.n, position + kSome);
            paths_chunk(form, paths, ties, draw(keys.data()[r], uint64_t(sweep)), position, end,
                        clusters, work);
            work += 100;
            position = end;
            if (position < form.n) continue;
            position = 0;
            ++sweep;
            keep_slice(form, paths, best.data() + r * form.n, least.data()[r]);
        }
    });
}

template <class Real>
void bind(nb::module_& module, const char* name) {
    nb::class_<Held<Real>>(module, name)
        .def(nb::init<Row<const Real>, Row<const int64_t>, Row<const int32_t>, Row<const Real>,
                      Table<const Real>, Row<const int64_t>, Row<const int64_t>, Row<const Real>,
                      Row<const uint8_t>, double>());
    module.def("prepare", &bind_prepare<Real>);
    module.def("anneal", &bind_anneal<Real>);
    module.def("descend", &bind_descend<Real>);
    module.def("steepest", &bind_steepest<Real>);
    module.def("wander", &bind_wander<Real>);
    module.def("tabu", &bind_tabu<Real>);
    module.def("graft", &bind_graft<Real>);
    module.def("temper", &bind_temper<Real>);
    module.def("bifurcate", &bind_bifurcate<Real>);
    module.def("spread", &bind_spread<Real>);
    module.def("squares", &bind_squares<Real>);
    module.def("divisor", &bind_divisor<Real>);
    module.def("paths_prepare", &bind_paths_prepare<Real>);
    module.def("paths_anneal", &bind_paths_anneal<Real>);
    module.def("combine", &bind_combine<Real>);
}

}  // namespace

NB_MODULE(_ising, module) {
    bind<float>(module, "Form32");
    bind<double>(module, "Form64");
    bind_small(module);
    bind_fixed_point(module);
    module.def("enumerate", &bind_enumerate);
    module.def("colour", &bind_colour);
    module.def("whole", &bind_whole);
    module.def("reach", &bind_reach);
}
