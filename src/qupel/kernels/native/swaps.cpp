// Swaps: where the qubits of a circuit start on a lattice, and which swaps bring them together.
//
// A search makes trials. Each takes one of several manners, starts from a placement of its kind and
// routes the circuit forwards and backwards, where each pass starts from where the one before ended
// (Li, Ding & Xie 2019, doi:10.1145/3297858.3304023, section IV.C); the cheapest forward pass of all
// is kept. Refinements start from the best placement with a few qubits moved. What a trial or a
// refinement does depends on the seed, its number and those before it, never on the clock.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <limits>
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
    Search(const Lattice& lattice, int qubits, Table table, Reals costs, Reals manners_, double layer_, uint64_t seed_)
        : lattice(lattice), all(read(qubits, table, costs)), placer(this->lattice, all), router(this->lattice, all),
          layer(layer_), seed(seed_) {
        for (size_t k = 0; k < manners_.shape(0); ++k) {
            const double* row = manners_.data() + 9 * k;
            manners.push_back({row[0] != 0, static_cast<int>(row[1]), static_cast<int>(row[2]), row[3], row[4], row[5],
                               row[6], row[7], row[8]});
        }
        least.assign(manners.size(), kEndless);
        for (const bool commuting : {false, true})
            for (const bool backwards : {false, true}) orders.emplace_back(all, backwards, commuting);
    }

    // Without swaps, if a search of so many steps finds how.
    bool embed(int steps) {
        if (!placer.embed(steps, now.start)) return false;
        Stream random(seed, 0);
        best.start = now.start;
        return router.run(order(manners[0], false), manners[0], random, layer, kEndless, best);
    }

    void trial(int number, int passes) {
        Stream random(seed, static_cast<uint64_t>(number) + 1);
        const int which = manner_of(number, random);
        const Manner& manner = manners[which];
        placer.start(manner.start, random, now.start);
        for (int pass = 0; pass < passes; ++pass) {
            const double most = cheapest * (1 + kHope * (passes - 1 - pass));
            if (!router.run(order(manner, false), manner, random, layer, most, now)) return;
            least[which] = std::min(least[which], keep());
            if (pass + 1 == passes) return;
            now.start = now.end;
            if (!router.run(order(manner, true), manner, random, layer, most, now)) return;
            now.start = now.end;
        }
    }

    // Start from the best placement with up to two qubits moved by one step.
    void refine(int number) {
        Stream random(seed, (uint64_t{1} << 32) + static_cast<uint64_t>(number));
        const Manner& manner = manners[champion()];
        now.start = best.start;
        at.assign(lattice.n, NONE);
        for (int q = 0; q < all.qubits; ++q) at[now.start[q]] = q;
        for (int moves = lattice.m ? random.below(3) : 0; moves > 0; --moves) {
            const int p = now.start[random.below(all.qubits)];
            const int r = lattice.beside[lattice.begin[p] + random.below(lattice.degree(p))];
            std::swap(at[p], at[r]);
            for (const int place : {p, r})
                if (at[place] != NONE) now.start[at[place]] = place;
        }
        if (router.run(order(manner, false), manner, random, layer, cheapest, now)) keep();
    }

    const Routed& path() const { return best; }

private:
    Lattice lattice;
    Operations all;
    Placer placer;
    Router router;
    double layer, cheapest = kEndless;
    uint64_t seed;
    std::vector<Manner> manners;
    std::vector<double> least;
    std::vector<Order> orders;
    Routed now, best;
    std::vector<int> at;

    // Cost of the present pass, which is kept if none was cheaper.
    double keep() {
        const double cost = now.gates + layer * now.depth;
        if (cost <= cheapest) {
            cheapest = cost;
            best = now;
        }
        return cost;
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
        .def("trial", &Search::trial, Free())
        .def("refine", &Search::refine, Free())
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
