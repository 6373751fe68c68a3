// Swaps: where the qubits of a circuit start on a lattice, and which swaps bring them together.
//
// A search makes trials. Each takes one of several manners, starts from a placement of its kind and
// routes the circuit forwards and backwards, where each pass starts from where the one before ended
// (Li, Ding & Xie 2019, doi:10.1145/3297858.3304023, section IV.C); the cheapest forward pass of all
// is kept. Refinements start from the best placement with a few qubits moved. Both go in rounds,
// side by side. What one does depends on the seed, its number and the rounds before its own, never
// on the clock or the number of threads.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <thread>
#include <vector>

#include "swaps/lattice.hpp"
#include "swaps/order.hpp"
#include "swaps/place.hpp"
#include "swaps/route.hpp"

namespace nb = nanobind;
using Table = nb::ndarray<const int32_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Reals = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using IntsOut = nb::ndarray<int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Named, not anonymous: bound types of all modules are known by their names, and others have a
// `Search` too.
namespace swaps {

constexpr double kEndless = std::numeric_limits<double>::infinity();
// By how much each pass that is still to come is hoped to better a path; a trial that is further
// from the cheapest is given up.
constexpr double kHope = 0.25;
constexpr int kRound = 4;

// Rows of `table`: first qubit, second or NONE, axes. Rows of `costs`: gates a swap adds, layers,
// layers with a swap; the last row is a swap alone.
Operations read(int qubits, Table table, Reals costs) {
    Operations all{};
    all.qubits = qubits;
    all.count = static_cast<int>(table.shape(0));
    for (int k = 0; k < all.count; ++k) {
        const int32_t* row = table.data() + 4 * k;
        all.a.push_back(row[0]);
        all.b.push_back(row[1]);
        all.axis_a.push_back(row[2]);
        all.axis_b.push_back(row[3]);
        const double* cost = costs.data() + 3 * k;
        all.extra.push_back(cost[0]);
        all.length.push_back(cost[1]);
        all.joined.push_back(cost[2]);
    }
    all.swap_gates = costs.data()[3 * all.count];
    all.swap_length = costs.data()[3 * all.count + 1];
    return all;
}

class Search {
public:
    Search(const Lattice& lattice_, int qubits, Table table, Reals costs, Reals manners_, double layer_, uint64_t seed_)
        : lattice(lattice_), all(read(qubits, table, costs)), placer(lattice, all), layer(layer_), seed(seed_) {
        for (size_t k = 0; k < manners_.shape(0); ++k) {
            const double* row = manners_.data() + 9 * k;
            manners.push_back({row[0] != 0, static_cast<int>(row[1]), static_cast<int>(row[2]), row[3], row[4], row[5],
                               row[6], row[7], row[8]});
        }
        least.assign(manners.size(), kEndless);
        for (const bool commuting : {false, true})
            for (const bool backwards : {false, true}) orders.emplace_back(all, backwards, commuting);
        for (int k = 0; k < kRound; ++k) attempts.emplace_back(lattice, all);
    }

    // Without swaps, if a search of so many steps finds how.
    bool embed(int steps) {
        if (!placer.embed(steps, best.start)) return false;
        Stream random(seed, 0);
        return attempts[0].router.run(order(manners[0], false), manners[0], random, layer, kEndless, best);
    }

    // One round of at most kRound trials, from this number on.
    void trials(int first, int count, int passes, int threads) {
        together(count, threads, [&](int k) { start(first + k, passes, attempts[k]); });
    }

    // One round of at most kRound refinements, from this number on.
    void refinements(int first, int count, int threads) {
        together(count, threads, [&](int k) { refine(first + k, attempts[k]); });
    }

    const Routed& path() const { return best; }

private:
    // Work of one trial or refinement, and what it found.
    struct Attempt {
        Router router;
        Routed now, best;
        int manner = 0;
        double cost = kEndless;
        std::vector<int> at;
        Attempt(const Lattice& lattice, const Operations& all) : router(lattice, all) {}

        void keep(double layer) {
            const double found = now.gates + layer * now.depth;
            if (found > cost) return;
            cost = found;
            best = now;
        }
    };

    Lattice lattice;
    Operations all;
    Placer placer;
    double layer, cheapest = kEndless;
    uint64_t seed;
    std::vector<Manner> manners;
    std::vector<double> least;  // cost of the cheapest path of each manner
    std::vector<Order> orders;
    std::deque<Attempt> attempts;
    Routed best;

    // All attempts of a round see what was known before it, and are looked at by number after it.
    template <class Work>
    void together(int count, int threads, const Work& work) {
        std::atomic<int> next{0};
        const auto run = [&] {
            for (int k = next++; k < count; k = next++) work(k);
        };
        std::vector<std::thread> others;
        for (int t = 1; t < std::min(threads, count); ++t) others.emplace_back(run);
        run();
        for (auto& thread : others) thread.join();
        for (int k = 0; k < count; ++k) {
            const Attempt& attempt = attempts[k];
            least[attempt.manner] = std::min(least[attempt.manner], attempt.cost);
            if (attempt.cost > cheapest || attempt.cost == kEndless) continue;
            cheapest = attempt.cost;
            best = attempt.best;
        }
    }

    void start(int number, int passes, Attempt& attempt) const {
        Stream random(seed, static_cast<uint64_t>(number) + 1);
        attempt.manner = manner_of(number, random);
        attempt.cost = kEndless;
        Routed& now = attempt.now;
        const Manner& manner = manners[attempt.manner];
        placer.start(manner.start, random, now.start);
        for (int pass = 0; pass < passes; ++pass) {
            const double most = std::min(cheapest, attempt.cost) * (1 + kHope * (passes - 1 - pass));
            if (!attempt.router.run(order(manner, false), manner, random, layer, most, now)) return;
            attempt.keep(layer);
            if (pass + 1 == passes) return;
            now.start = now.end;
            if (!attempt.router.run(order(manner, true), manner, random, layer, most, now)) return;
            now.start = now.end;
        }
    }

    // From the best placement with up to two qubits moved by one step.
    void refine(int number, Attempt& attempt) const {
        Stream random(seed, (uint64_t{1} << 32) + static_cast<uint64_t>(number));
        attempt.manner = champion();
        attempt.cost = kEndless;
        Routed& now = attempt.now;
        const Manner& manner = manners[attempt.manner];
        now.start = best.start;
        attempt.at.assign(lattice.n, NONE);
        for (int q = 0; q < all.qubits; ++q) attempt.at[now.start[q]] = q;
        for (int moves = lattice.m ? random.below(3) : 0; moves > 0; --moves) {
            const int p = now.start[random.below(all.qubits)];
            const int r = lattice.beside[lattice.begin[p] + random.below(lattice.degree(p))];
            std::swap(attempt.at[p], attempt.at[r]);
            for (const int place : {p, r})
                if (attempt.at[place] != NONE) now.start[attempt.at[place]] = place;
        }
        if (attempt.router.run(order(manner, false), manner, random, layer, cheapest, now)) attempt.keep(layer);
    }

    const Order& order(const Manner& manner, bool backwards) const { return orders[2 * manner.commuting + backwards]; }

    int champion() const {
        return static_cast<int>(std::min_element(least.begin(), least.end()) - least.begin());
    }

    // Every manner in turn; later the one that did best half of the time, and any the other half.
    int manner_of(int number, Stream& random) const {
        const int count = static_cast<int>(manners.size());
        if (number < count) return number;
        return random.below(2) ? champion() : random.below(count);
    }
};

}  // namespace swaps

NB_MODULE(_swaps, module) {
    using namespace swaps;
    module.attr("ROUND") = kRound;
    using Free = nb::call_guard<nb::gil_scoped_release>;
    nb::class_<Lattice>(module, "Lattice")
        .def("__init__",
             [](Lattice* self, int qubits, Table edges) {
                 new (self) Lattice(qubits, edges.data(), static_cast<int>(edges.shape(0)));
             })
        .def_ro("connected", &Lattice::connected);
    nb::class_<Search>(module, "Search")
        .def(nb::init<const Lattice&, int, Table, Reals, Reals, double, uint64_t>())
        .def("embed", &Search::embed, Free())
        .def("trials", &Search::trials, Free())
        .def("refinements", &Search::refinements, Free())
        .def_prop_ro("length", [](const Search& search) { return search.path().steps.size() / 3; })
        .def_prop_ro("swaps", [](const Search& search) { return search.path().swaps; })
        .def_prop_ro("gates", [](const Search& search) { return search.path().gates; })
        .def_prop_ro("depth", [](const Search& search) { return search.path().depth; })
        .def("best", [](const Search& search, IntsOut start, IntsOut end, IntsOut steps) {
            const Routed& best = search.path();
            std::copy(best.start.begin(), best.start.end(), start.data());
            std::copy(best.end.begin(), best.end.end(), end.data());
            std::copy(best.steps.begin(), best.steps.end(), steps.data());
        });
}
