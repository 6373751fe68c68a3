// QAOA on a state vector: phase of a diagonal cost, X mixers and XY mixers, and the adjoint gradient.
//
// The state is two planes, real and imaginary, of D amplitudes. The lowest `free` bits of an index
// are free qubits, mixed by X; above them follow the groups, each a register of the bit patterns
// of one popcount in ascending order, mixed by XY rotations. Without groups D = 2^free.
//
// A layer of X mixers makes two passes over the state: blocks of 2^12 amplitudes take the phase
// and the lowest 12 qubits while they sit in cache; then columns, gathered into a tile, take the
// higher qubits. Turns leave out the factor cos(beta) (or sin(beta), where that is larger) of
// every qubit; the phase, which multiplies anyway, puts all of them in.
//
// Sums run over fixed blocks and are added in order, so the number of threads changes nothing.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <omp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

namespace nb = nanobind;

namespace {

constexpr int BLOCK_QUBITS = 12;
constexpr size_t BLOCK = size_t{1} << BLOCK_QUBITS;
constexpr int TILE_QUBITS = 10;            // high qubits taken in one pass
constexpr size_t TILE = size_t{1} << 16;  // amplitudes a tile aims at

template <class T>
struct Planes {
    T* re;
    T* im;
    Planes at(size_t offset) const { return {re + offset, im + offset}; }
};

// exp(-i beta X) = scale-per-qubit * (1, -i t; -i t, 1), or with `swap` (t, -i; -i, t).
template <class T>
struct Turn {
    bool swap;
    T t;
    T scale;        // of all qubits together
    double shrink;  // square of one qubit's scale: what a pair of unscaled turns leaves out
};

template <class T>
Turn<T> turn_by(double beta, int qubits) {
    const double c = std::cos(beta), s = std::sin(beta);
    const bool swap = std::abs(s) > std::abs(c);
    const double one = swap ? s : c;
    return {swap, static_cast<T>(swap ? c / s : s / c), static_cast<T>(std::pow(one, qubits)),
            one * one};
}

// Im <l|C|p> and Im <l|B|p>: half the slopes of the energy in gamma and beta.
struct Slopes {
    double gamma;
    double beta;
};

}  // namespace

#define WIDE_LOOPS "qaoa/loops.hpp"
#include "instructions.hpp"

namespace {

// The loops of the best instruction set this processor has.
template <class T>
struct Chosen {
    decltype(&baseline::Loops<T>::forward_block) forward_block;
    decltype(&baseline::Loops<T>::forward_tile) forward_tile;
    decltype(&baseline::Loops<T>::backward_block) backward_block;
    decltype(&baseline::Loops<T>::backward_tile) backward_tile;
    decltype(&baseline::Loops<T>::weigh) weigh;
    decltype(&baseline::Loops<T>::rotate) rotate;
    decltype(&baseline::Loops<T>::exchange) exchange;
};

template <class T, class L>
constexpr Chosen<T> loops_of() {
    return {L::forward_block, L::forward_tile, L::backward_block, L::backward_tile,
            L::weigh,         L::rotate,       L::exchange};
}

template <class T>
Chosen<T> loops() {
    return widest(loops_of<T, avx512::Loops<T>>(), loops_of<T, avx2::Loops<T>>(),
                  loops_of<T, baseline::Loops<T>>());
}

using Masks = nb::ndarray<const uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Ranks = nb::ndarray<const int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Pairs = nb::ndarray<const int32_t, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;
using Doubles = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Angles = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Plane = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

constexpr int MEMBERS = 40;

// One register of bit patterns of equal popcount, and the pairs of bits to rotate, in order.
struct Group {
    size_t size;            // patterns
    const uint64_t* others; // patterns of all bits but two, with one 1 less
    size_t rest;            // how many
    const int32_t* low;     // rank among patterns of equal popcount, by the lowest `split` bits
    const int32_t* high;    // rank of the first pattern with these higher bits
    int split;
    size_t inner;  // states between neighbours of this register
    std::vector<std::pair<int, int>> pairs;

    size_t rank(uint64_t mask) const {
        return static_cast<size_t>(low[mask & ((uint64_t{1} << split) - 1)] + high[mask >> split]);
    }
};

struct Binomials {
    size_t of[MEMBERS + 1][MEMBERS + 1] = {};
    Binomials() {
        for (int n = 0; n <= MEMBERS; ++n) {
            of[n][0] = 1;
            for (int k = 1; k <= n; ++k) of[n][k] = of[n - 1][k - 1] + (k < n ? of[n - 1][k] : 0);
        }
    }
};
const Binomials binomials;

// Position of a pattern among all of its popcount, ascending.
size_t position(uint64_t mask) {
    size_t sum = 0;
    for (int k = 1; mask; ++k, mask &= mask - 1) sum += binomials.of[__builtin_ctzll(mask)][k];
    return sum;
}

// Calls act(begin, apart, count) for runs of patterns that have bit a but not b (a < b), where the
// pattern of the other bits is one of [from, to). Patterns that agree from bit a upwards are
// neighbours, and so are their partners, which have bit b but not a.
template <class Act>
void for_runs(const Group& group, int a, int b, size_t from, size_t to, Act act) {
    const uint64_t below = (uint64_t{1} << a) - 1, between = (uint64_t{1} << (b - 1)) - 1;
    const uint64_t one = uint64_t{1} << a, other = uint64_t{1} << b;
    for (size_t i = from; i < to;) {
        const uint64_t rest = group.others[i], tail = rest & below;
        const uint64_t spread = tail | ((rest & between & ~below) << 1) | ((rest & ~between) << 2);
        size_t run = binomials.of[a][__builtin_popcountll(tail)];
        if (i == from) run -= position(tail);
        run = std::min(run, to - i);
        const size_t begin = group.rank(spread | one);
        const auto apart =
            static_cast<ptrdiff_t>(group.rank(spread | other)) - static_cast<ptrdiff_t>(begin);
        act(begin * group.inner, apart * static_cast<ptrdiff_t>(group.inner), run * group.inner);
        i += run;
    }
}

// A state space and how to walk it: shared by all functions below.
template <class T>
struct Register {
    size_t size;  // of a plane, a multiple of 16: padded with amplitude and cost zero
    int free;
    std::vector<Group> groups;
    int threads;
    Chosen<T> use = loops<T>();

    int low() const { return std::min(free, BLOCK_QUBITS); }
    size_t blocks() const { return (size + BLOCK - 1) / BLOCK; }
    size_t block(size_t k) const { return std::min(BLOCK, size - k * BLOCK); }
};

// Adds up what `part(k)` returns for k below `count`, in order of k.
template <class Part>
double ordered_sum(size_t count, int threads, std::vector<double>& parts, Part part) {
    parts.resize(std::max(parts.size(), count));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t k = 0; k < count; ++k) parts[k] = part(k);
    double sum = 0;
    for (size_t k = 0; k < count; ++k) sum += parts[k];
    return sum;
}

// Calls `act(tile, places)` for all columns of the qubits from `first` up, at most TILE_QUBITS of
// them at a time, with the tile's amplitudes gathered; they are put back afterwards.
// Each thread owns `states` tiles, one for each state of `x`.
template <class T, size_t STATES, class Act>
void for_columns(const Register<T>& space, const std::array<Planes<T>, STATES>& x, int first, int qubits,
                 std::vector<T>& room, Act act) {
    const size_t rows = size_t{1} << qubits, stride = size_t{1} << first;
    const size_t width = std::clamp<size_t>(TILE / rows, 16, 64);
    const size_t around = space.size / (stride * rows), across = stride / width;
    const size_t tile = rows * width;
    room.resize(std::max(room.size(), static_cast<size_t>(space.threads) * STATES * 2 * (tile + 64)));
#pragma omp parallel num_threads(space.threads)
    {
        const auto me = static_cast<size_t>(omp_get_thread_num());
        std::array<Planes<T>, STATES> local;
        for (size_t k = 0; k < STATES; ++k) {
            T* start = room.data() + (me * STATES + k) * 2 * (tile + 64);
            local[k] = {start, start + tile + 64};
        }
#pragma omp for schedule(static)
        for (size_t column = 0; column < around * across; ++column) {
            const size_t base = (column / across) * stride * rows + (column % across) * width;
            for (size_t k = 0; k < STATES; ++k)
                for (size_t row = 0; row < rows; ++row) {
                    std::copy_n(x[k].re + base + row * stride, width, local[k].re + row * width);
                    std::copy_n(x[k].im + base + row * stride, width, local[k].im + row * width);
                }
            act(column, local, tile, width);
            for (size_t k = 0; k < STATES; ++k)
                for (size_t row = 0; row < rows; ++row) {
                    std::copy_n(local[k].re + row * width, width, x[k].re + base + row * stride);
                    std::copy_n(local[k].im + row * width, width, x[k].im + base + row * stride);
                }
        }
    }
}

// The spans of high qubits that one pass each takes.
std::vector<std::pair<int, int>> high_passes(int free) {
    std::vector<std::pair<int, int>> passes;
    const int high = free - BLOCK_QUBITS;
    const int count = (high + TILE_QUBITS - 1) / TILE_QUBITS;
    for (int k = 0, first = BLOCK_QUBITS; k < count; ++k) {
        const int qubits = (free - first) / (count - k);
        passes.emplace_back(first, qubits);
        first += qubits;
    }
    return passes;
}

// Columns of a pass: as many as `for_columns` visits.
template <class T>
size_t columns_of(const Register<T>& space, int qubits) {
    const size_t rows = size_t{1} << qubits;
    return space.size / rows / std::clamp<size_t>(TILE / rows, 16, 64);
}

// Visits every register of a group in fixed spans of its `others`: act(offset of the register,
// from, to).
template <class T, class Act>
double for_spans(const Register<T>& space, const Group& group, size_t dimension,
                 std::vector<double>& parts, Act act) {
    const size_t around = dimension / (group.inner * group.size);
    const size_t span = std::max<size_t>(BLOCK / group.inner, 1);
    const size_t spans = (group.rest + span - 1) / span;
    const int threads = dimension < 64 * BLOCK ? 1 : space.threads;  // a rotation is short work
    return ordered_sum(around * spans, threads, parts, [&](size_t k) {
        const size_t from = (k % spans) * span;
        return act((k / spans) * group.inner * group.size, from,
                   std::min(from + span, group.rest));
    });
}

template <class T>
struct Work {
    std::vector<double> parts;
    std::vector<T> room;
};

size_t dimension_of(int free, const std::vector<Group>& groups) {
    size_t size = size_t{1} << free;
    for (const Group& group : groups) size *= group.size;
    return size;
}

template <class T>
void start(const Register<T>& space, const Planes<T>& x) {
    const size_t dimension = dimension_of(space.free, space.groups);
    const T amplitude = static_cast<T>(1 / std::sqrt(static_cast<double>(dimension)));
#pragma omp parallel for num_threads(space.threads) schedule(static)
    for (size_t k = 0; k < space.blocks(); ++k)
        for (size_t z = k * BLOCK; z < k * BLOCK + space.block(k); ++z) {
            x.re[z] = z < dimension ? amplitude : T{0};
            x.im[z] = 0;
        }
}

template <class T>
void forward(const Register<T>& space, const Planes<T>& x, const T* cost, double gamma, double beta,
             Work<T>& work) {
    const Turn<T> by = turn_by<T>(beta, space.free);
    const T turns = static_cast<T>(gamma / (2 * std::numbers::pi));
#pragma omp parallel for num_threads(space.threads) schedule(static)
    for (size_t k = 0; k < space.blocks(); ++k)
        space.use.forward_block(
            x.at(k * BLOCK), cost + k * BLOCK, space.block(k), space.low(), turns, by);
    for (const auto& [first, qubits] : high_passes(space.free))
        for_columns<T, 1>(space, {x}, first, qubits, work.room,
                          [&, qubits = qubits](size_t, auto& local, size_t tile, size_t width) {
                              space.use.forward_tile(local[0], tile, width, qubits, by);
                          });
    const T c = static_cast<T>(std::cos(beta)), s = static_cast<T>(std::sin(beta));
    const size_t dimension = dimension_of(space.free, space.groups);
    for (const Group& group : space.groups)
        for (const auto& [a, b] : group.pairs)
            for_spans(space, group, dimension, work.parts, [&, a = a, b = b](size_t offset, size_t from, size_t to) {
                for_runs(group, a, b, from, to, [&](size_t begin, ptrdiff_t apart, size_t count) {
                    space.use.rotate(x.at(offset + begin), apart, count, c, s);
                });
                return 0.0;
            });
}

template <class T>
Slopes backward(const Register<T>& space, const Planes<T>& p, const Planes<T>& l, const T* cost,
                double gamma, double beta, Work<T>& work) {
    double slope = 0;
    const T c = static_cast<T>(std::cos(beta)), s = static_cast<T>(-std::sin(beta));
    const size_t dimension = dimension_of(space.free, space.groups);
    for (auto group = space.groups.rbegin(); group != space.groups.rend(); ++group)
        for (auto pair = group->pairs.rbegin(); pair != group->pairs.rend(); ++pair)
            slope += for_spans(space, *group, dimension, work.parts, [&](size_t offset, size_t from, size_t to) {
                double sum = 0;
                for_runs(*group, pair->first, pair->second, from, to,
                         [&](size_t begin, ptrdiff_t apart, size_t count) {
                             const Planes<T> x = p.at(offset + begin), y = l.at(offset + begin);
                             sum += space.use.exchange(x, y, apart, count);
                             space.use.rotate(x, apart, count, c, s);
                             space.use.rotate(y, apart, count, c, s);
                         });
                return sum;
            });
    const Turn<T> by = turn_by<T>(-beta, space.free);
    double weight = 1;
    for (const auto& [first, qubits] : high_passes(space.free)) {
        const size_t columns = columns_of(space, qubits);
        work.parts.resize(std::max(work.parts.size(), columns));
        for_columns<T, 2>(space, {p, l}, first, qubits, work.room,
                          [&, qubits = qubits](size_t column, auto& local, size_t tile, size_t width) {
                              work.parts[column] = space.use.backward_tile(
                                  local[0], local[1], tile, width, qubits, by, weight);
                          });
        for (size_t k = 0; k < columns; ++k) slope += work.parts[k];
        weight *= std::pow(by.shrink, qubits);
    }
    std::vector<Slopes> parts(space.blocks());
    const T turns = static_cast<T>(-gamma / (2 * std::numbers::pi));
#pragma omp parallel for num_threads(space.threads) schedule(static)
    for (size_t k = 0; k < space.blocks(); ++k)
        parts[k] = space.use.backward_block(p.at(k * BLOCK), l.at(k * BLOCK), cost + k * BLOCK,
                                            space.block(k), space.low(), turns, by, weight);
    Slopes sum{0, slope};
    for (const Slopes& part : parts) {
        sum.gamma += part.gamma;
        sum.beta += part.beta;
    }
    return sum;
}

template <class T>
double energy_of(const Register<T>& space, const Planes<T>& x, const T* cost, const Planes<T>* out,
                 Work<T>& work) {
    return ordered_sum(space.blocks(), space.threads, work.parts, [&](size_t k) {
        const Planes<T> to = out ? out->at(k * BLOCK) : Planes<T>{};
        return space.use.weigh(
            x.at(k * BLOCK), cost + k * BLOCK, space.block(k), out ? &to : nullptr);
    });
}

template <class T>
Register<T> space_of(const Plane<T>& re, int free, const std::vector<Group*>& groups, int threads) {
    Register<T> space{re.shape(0), free, {}, re.shape(0) < 8 * BLOCK ? 1 : threads};
    size_t inner = size_t{1} << free;
    for (const Group* group : groups) {
        space.groups.push_back(*group);
        space.groups.back().inner = inner;
        inner *= group->size;
    }
    return space;
}

template <class T>
double evolve(Plane<T> re, Plane<T> im, Plane<const T> cost, int free, std::vector<Group*> groups,
              Angles gammas, Angles betas, int threads) {
    const nb::gil_scoped_release released;
    const Register<T> space = space_of<T>(re, free, groups, threads);
    const Planes<T> x{re.data(), im.data()};
    Work<T> work;
    start(space, x);
    for (size_t k = 0; k < gammas.shape(0); ++k)
        forward(space, x, cost.data(), gammas.data()[k], betas.data()[k], work);
    return energy_of<T>(space, x, cost.data(), nullptr, work);
}

template <class T>
double gradient(Plane<T> re, Plane<T> im, Plane<T> adjoint_re, Plane<T> adjoint_im,
                Plane<const T> cost, int free, std::vector<Group*> groups, Angles gammas, Angles betas,
                Doubles by_gamma, Doubles by_beta, int threads) {
    const nb::gil_scoped_release released;
    const Register<T> space = space_of<T>(re, free, groups, threads);
    const Planes<T> x{re.data(), im.data()}, l{adjoint_re.data(), adjoint_im.data()};
    Work<T> work;
    start(space, x);
    for (size_t k = 0; k < gammas.shape(0); ++k)
        forward(space, x, cost.data(), gammas.data()[k], betas.data()[k], work);
    const double energy = energy_of<T>(space, x, cost.data(), &l, work);
    for (size_t k = gammas.shape(0); k-- > 0;) {
        const Slopes slopes =
            backward(space, x, l, cost.data(), gammas.data()[k], betas.data()[k], work);
        by_gamma.data()[k] = 2 * slopes.gamma;
        by_beta.data()[k] = 2 * slopes.beta;
    }
    return energy;
}

// Index of the state at which the running sum of |x|^2 passes each of `levels` (ascending, as
// shares of the whole).
template <class T>
void draw(Plane<const T> re, Plane<const T> im, size_t states, Angles levels,
          nb::ndarray<int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> out, int threads) {
    const nb::gil_scoped_release released;
    const T* a = re.data();
    const T* b = im.data();
    const size_t blocks = (states + BLOCK - 1) / BLOCK;
    const auto weight = [&](size_t z) {
        return static_cast<double>(a[z]) * a[z] + static_cast<double>(b[z]) * b[z];
    };
    std::vector<double> sums(blocks);
    const double whole = ordered_sum(blocks, threads, sums, [&](size_t k) {
        double sum = 0;
        for (size_t z = k * BLOCK; z < std::min(states, (k + 1) * BLOCK); ++z) sum += weight(z);
        return sum;
    });
    size_t block = 0, z = 0, last = 0;
    double before = 0, sum = 0;  // of the blocks before this one; of this one up to state z
    for (size_t shot = 0; shot < levels.shape(0); ++shot) {
        const double level = levels.data()[shot] * whole;
        while (block + 1 < blocks && before + sums[block] <= level) {
            before += sums[block++];
            z = block * BLOCK;
            sum = 0;
        }
        const size_t end = std::min(states, (block + 1) * BLOCK);
        // A state is taken once the sum through it passes the level.
        for (; z < end; ++z) {
            const double w = weight(z);
            if (w > 0) last = z;
            if (before + (sum + w) > level) break;
            sum += w;
        }
        out.data()[shot] = static_cast<int64_t>(z < end ? z : last);
    }
}

// Energy of every state of `linear.size` bits: linear and pair terms (dense, upper triangle).
void diagonal(Angles linear, nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu> pairs,
              double offset, Doubles out, int threads) {
    const nb::gil_scoped_release released;
    const size_t n = linear.shape(0);
    double* energy = out.data();
    energy[0] = offset;
    constexpr size_t few = size_t{1} << 13;
    std::vector<double> low(few), high(few);
    for (size_t q = 0; q < n; ++q) {
        // What qubit q adds is linear in the bits below it: a sum of two small tables.
        const auto table = [&](std::vector<double>& sums, size_t first, size_t end, double base) {
            sums[0] = base;
            for (size_t j = first; j < end; ++j)
                for (size_t x = 0; x < size_t{1} << (j - first); ++x)
                    sums[x + (size_t{1} << (j - first))] = sums[x] + pairs.data()[j * n + q];
        };
        table(low, 0, std::min<size_t>(q, 13), linear.data()[q]);
        table(high, 13, std::max<size_t>(q, 13), 0.0);
        const size_t half = size_t{1} << q, span = std::min(half, few);
#pragma omp parallel for num_threads(threads) schedule(static) if (half > 4 * few)
        for (size_t h = 0; h < half / span; ++h)
            for (size_t x = 0; x < span; ++x)
                energy[half + h * span + x] = energy[h * span + x] + (low[x] + high[h]);
    }
}

// The same for chosen states, given by their bits.
void energies(Masks states, Angles linear,
              nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu> pairs, double offset,
              Doubles out, int threads) {
    const nb::gil_scoped_release released;
    const size_t n = linear.shape(0);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t k = 0; k < states.shape(0); ++k) {
        double sum = offset;
        for (uint64_t rest = states.data()[k]; rest; rest &= rest - 1) {
            const auto i = static_cast<size_t>(__builtin_ctzll(rest));
            sum += linear.data()[i];
            for (uint64_t above = rest & (rest - 1); above; above &= above - 1)
                sum += pairs.data()[i * n + static_cast<size_t>(__builtin_ctzll(above))];
        }
        out.data()[k] = sum;
    }
}

template <class T>
void bind(nb::module_& module) {
    module.def("evolve", &evolve<T>, nb::arg("re").noconvert(), nb::arg("im").noconvert(),
               nb::arg("cost").noconvert(), nb::arg("free"), nb::arg("groups"),
               nb::arg("gammas"), nb::arg("betas"), nb::arg("threads"));
    module.def("gradient", &gradient<T>, nb::arg("re").noconvert(), nb::arg("im").noconvert(),
               nb::arg("adjoint_re").noconvert(), nb::arg("adjoint_im").noconvert(),
               nb::arg("cost").noconvert(), nb::arg("free"), nb::arg("groups"),
               nb::arg("gammas"), nb::arg("betas"), nb::arg("by_gamma").noconvert(),
               nb::arg("by_beta").noconvert(), nb::arg("threads"));
    module.def("draw", &draw<T>, nb::arg("re").noconvert(), nb::arg("im").noconvert(),
               nb::arg("states"), nb::arg("levels"), nb::arg("out").noconvert(),
               nb::arg("threads"));
}

}  // namespace

NB_MODULE(_qaoa, module) {
    nb::class_<Group>(module, "Group")
        .def(
            "__init__",
            [](Group* self, size_t size, Masks others, Ranks low, Ranks high, int split, Pairs pairs) {
                new (self) Group{size,        others.data(), others.shape(0), low.data(),
                                 high.data(), split,         0,               {}};
                for (size_t k = 0; k < pairs.shape(0); ++k)
                    self->pairs.emplace_back(pairs(k, 0), pairs(k, 1));
            },
            nb::arg("size"), nb::arg("others").noconvert(), nb::arg("low").noconvert(),
            nb::arg("high").noconvert(), nb::arg("split"), nb::arg("pairs").noconvert(),
            nb::keep_alive<1, 3>(), nb::keep_alive<1, 4>(), nb::keep_alive<1, 5>());
    bind<float>(module);
    bind<double>(module);
    module.def("diagonal", &diagonal, nb::arg("linear"), nb::arg("pairs"), nb::arg("offset"),
               nb::arg("out").noconvert(), nb::arg("threads"));
    module.def("energies", &energies, nb::arg("states"), nb::arg("linear"), nb::arg("pairs"),
               nb::arg("offset"), nb::arg("out").noconvert(), nb::arg("threads"));
    module.def("limit", &limit, nb::arg("level"));
}
