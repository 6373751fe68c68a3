// QAOA whose qubits are each mixed by a turn of their own, whose terms each have an angle of their
// own, and which may begin in any product state: warm starts and multi-angle circuits.
//
// The state is two planes, real and imaginary, of 2^n amplitudes, qubit 0 the lowest bit. A layer is
// the phase exp(-i cost) of that layer, then exp(-i beta_q (sin theta_q X + cos theta_q Z)) on every
// qubit q. The start is the product of cos(theta_q / 2) |0> + sin(theta_q / 2) |1>.
//
// The cost is a plane of numbers, or a sum of terms s_i and s_i s_j. Terms need no plane: in a block
// of 2^11 amplitudes the higher spins are fixed, so the cost is a table, common to all blocks, and a
// part linear in the lower bits, filled in as the block is visited.
//
// A turn about a tilted axis is a turn about X between two phases, which join the cost's; so all
// turns are of one kind. They leave out the factor cos b of every qubit, where all tangents are at
// most one; the phase, which multiplies anyway, puts all of them in.
//
// A layer makes two passes over the state (three above 19 qubits): blocks take the phase and the
// lowest qubits while they sit in cache; then columns, gathered into a tile, take the higher ones.
// Backward, every qubit's slope comes from the same passes, and the slopes of all terms from one
// vector, Im(conj(l) p): its Walsh-Hadamard transform, cut down to one and two bits.
//
// Sums run over fixed blocks and are added in order, so the number of threads changes nothing.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

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

constexpr int BLOCK_QUBITS = 11;
constexpr size_t BLOCK = size_t{1} << BLOCK_QUBITS;
constexpr int TILE_QUBITS = 8;  // high qubits taken in one pass, at most
constexpr size_t WIDTH = 64;    // neighbours gathered with each row of a tile
constexpr int MOST = 32;        // qubits
constexpr double CIRCLE = 2 * std::numbers::pi;

template <class T>
struct Planes {
    T* re;
    T* im;
    Planes at(size_t offset) const { return {re + offset, im + offset}; }
};

// exp(-i b X): c = cos b and k = sin b; or, with the factor cos b left out, k = tan b. `weight` undoes
// the factors that turns before this one left out of a state and its adjoint.
template <class T>
struct Turn {
    T c, k;
    double weight;
};

// exp(-i beta (x X + z Z)), x^2 + z^2 = 1, is exp(-i a Z) exp(-i b X) exp(-i a Z): a turn of the usual
// kind between phases, which join those of the cost. With the slopes of a and b by beta.
struct Tilted {
    double a, b, a_slope, b_slope;
};

Tilted tilted(double beta, double theta) {
    const double x = std::sin(theta), z = theta == std::numbers::pi / 2 ? 0.0 : std::cos(theta);
    if (z == 0) return {0, beta, 0, 1};
    const double c = std::cos(beta), s = std::sin(beta), cosine = std::hypot(c, z * s);
    return {std::atan2(z * s, c) / 2, std::atan2(x * s, cosine), z / (2 * cosine * cosine), x * c / cosine};
}

}  // namespace

#define WIDE_LOOPS "mixers/loops.hpp"
#include "instructions.hpp"

namespace {

// The loops of the best instruction set this processor has.
template <class T>
struct Chosen {
    decltype(&baseline::Loops<T>::forward_block) forward_block;
    decltype(&baseline::Loops<T>::forward_tile) forward_tile;
    decltype(&baseline::Loops<T>::backward_block) backward_block;
    decltype(&baseline::Loops<T>::backward_tile) backward_tile;
    decltype(&baseline::Loops<T>::squares) squares;
    decltype(&baseline::Loops<T>::dot) dot;
    decltype(&baseline::Loops<T>::weigh) weigh;
    decltype(&baseline::Loops<T>::fill) fill;
    decltype(&baseline::Loops<T>::moments) moments;
    decltype(&baseline::Loops<T>::butterflies) butterflies;
    int lane_qubits;
};

template <class T, class L>
constexpr Chosen<T> loops_of() {
    return {L::forward_block, L::forward_tile, L::backward_block, L::backward_tile, L::squares,
            L::dot,           L::weigh,        L::fill,           L::moments,       L::butterflies,
            L::lane_qubits};
}

template <class T>
Chosen<T> loops() {
    return widest(loops_of<T, avx512::Loops<T>>(), loops_of<T, avx2::Loops<T>>(),
                  loops_of<T, baseline::Loops<T>>());
}

template <class T>
using Plane = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Row = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Table = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using OutTable = nb::ndarray<double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Ends = nb::ndarray<const int32_t, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;

// A state space and how to walk it.
template <class T>
struct Space {
    int qubits;
    int low;        // qubits of a block
    size_t count;   // amplitudes of a block
    size_t blocks;
    size_t chunk;   // blocks whose sums are kept together
    int threads;
    Chosen<T> use = loops<T>();

    Space(int n, int workers)
        : qubits(n),
          low(std::min(n, BLOCK_QUBITS)),
          count(std::max<size_t>(size_t{1} << low, 64 / sizeof(T))),
          blocks(size_t{1} << (n - low)),
          chunk(std::clamp<size_t>(blocks / 64, 1, 32)),
          threads(blocks < 8 ? 1 : workers) {}

    size_t chunks() const { return (blocks + chunk - 1) / chunk; }

    // The spans of high qubits that one pass each takes.
    std::vector<std::pair<int, int>> passes() const {
        std::vector<std::pair<int, int>> spans;
        const int number = (qubits - low + TILE_QUBITS - 1) / TILE_QUBITS;
        for (int k = 0, first = low; k < number; ++k) {
            const int take = (qubits - first) / (number - k);
            spans.emplace_back(first, take);
            first += take;
        }
        return spans;
    }
};

// Sums over all states of v, of v s_i, and of v s_i s_j (i < j).
struct Moments {
    double whole = 0;
    std::array<double, MOST> single{};
    std::array<double, MOST * MOST> pair{};

    double of(int i, int j) const {
        return i == j ? single[i] : pair[std::min(i, j) * MOST + std::max(i, j)];
    }
    void add(const Moments& other) {
        whole += other.whole;
        for (size_t k = 0; k < single.size(); ++k) single[k] += other.single[k];
        for (size_t k = 0; k < pair.size(); ++k) pair[k] += other.pair[k];
    }
};

// Adds the moments of one block to `to`; overwrites `v`.
template <class T>
void add_moments(const Space<T>& space, size_t block, T* v, Moments& to) {
    if (space.blocks == 1) {
        space.use.moments(v, space.qubits, to.whole, to.single.data(), to.pair.data());
        return;
    }
    // The spins above the block are fixed: they sign what the block sums to.
    double whole = 0;
    std::array<double, MOST> single{};
    space.use.moments(v, space.low, whole, single.data(), to.pair.data());
    to.whole += whole;
    for (int i = 0; i < space.low; ++i) to.single[i] += single[i];
    for (int j = space.low; j < space.qubits; ++j) {
        const double sign = (block >> (j - space.low) & 1) ? -1 : 1;
        to.single[j] += sign * whole;
        for (int i = 0; i < space.low; ++i) to.pair[i * MOST + j] += sign * single[i];
        for (int i = space.low; i < j; ++i)
            to.pair[i * MOST + j] += (block >> (i - space.low) & 1) ? -sign * whole : sign * whole;
    }
}

// A cost: a plane, or a sum of terms over spins, given as coefficients of bits.
template <class T>
class Diagonal {
  public:
    Diagonal(const Space<T>& space, const T* plane, const Ends& ends)
        : space_(space), plane_(plane), ends_(ends), base_(space.count), table_(space.count),
          linear_(space.qubits), pairs_(space.qubits * space.qubits) {}

    // Take these coefficients of the terms (of the plane, if there is one) and, if any, `fields`
    // beside them, times `unit`. With `wrapped`, numbers that differ by a whole one are the same.
    void set(const double* coefficients, const double* fields, double unit, bool wrapped) {
        unit_ = unit * (plane_ ? coefficients[0] : 1.0);
        wrapped_ = wrapped;
        tabled_ = !plane_ || fields;
        if (!tabled_) return;
        const int n = space_.qubits;
        std::ranges::fill(linear_, 0.0);
        std::ranges::fill(pairs_, 0.0);
        constant_ = 0;
        for (int q = 0; fields && q < n; ++q) linear_[q] = -2 * unit * fields[q];
        for (size_t t = 0; !plane_ && t < ends_.shape(0); ++t) {
            const int i = std::min(ends_(t, 0), ends_(t, 1)), j = std::max(ends_(t, 0), ends_(t, 1));
            const double c = unit * coefficients[t];
            constant_ += c;
            linear_[i] -= 2 * c;
            if (i == j) continue;
            linear_[j] -= 2 * c;
            pairs_[i * n + j] += 4 * c;
        }
        for (double& x : linear_) x = bare(x);
        for (double& x : pairs_) x = bare(x);
        table_[0] = 0;
        for (int q = 0; q < space_.low; ++q) {
            const size_t half = size_t{1} << q;
            double* top = table_.data() + half;
            top[0] = linear_[q];
            for (int i = 0; i < q; ++i)
                for (size_t x = 0; x < size_t{1} << i; ++x) top[x + (size_t{1} << i)] = top[x] + pairs_[i * n + q];
            for (size_t x = 0; x < half; ++x) top[x] += table_[x];
        }
        for (size_t x = 0; x < base_.size(); ++x) base_[x] = static_cast<T>(bare(table_[x]));
    }

    // The cost of every state of a block.
    void fill(size_t block, T* out) const {
        if (tabled_)
            table(block, out);
        else
            std::fill_n(out, space_.count, T{0});
        if (!plane_) return;
        const T* from = plane_ + block * space_.count;
        const T by = static_cast<T>(unit_);
        for (size_t x = 0; x < space_.count; ++x) out[x] += from[x] * by;
    }

    const T* plane() const { return plane_; }

  private:
    void table(size_t block, T* out) const {
        const int n = space_.qubits;
        std::array<T, BLOCK_QUBITS> slopes{};
        std::array<double, BLOCK_QUBITS> sums{};
        double constant = wrapped_ ? 0.0 : constant_;
        for (size_t rest = block; rest; rest &= rest - 1) {
            const int j = space_.low + __builtin_ctzll(rest);
            constant += linear_[j];
            for (size_t above = rest & (rest - 1); above; above &= above - 1)
                constant += pairs_[j * n + space_.low + __builtin_ctzll(above)];
            for (int i = 0; i < space_.low; ++i) sums[i] += pairs_[i * n + j];
        }
        for (int i = 0; i < space_.low; ++i) slopes[i] = static_cast<T>(bare(sums[i]));
        space_.use.fill(out, base_.data(), space_.low, static_cast<T>(bare(constant)), slopes.data());
    }

    double bare(double x) const { return wrapped_ ? x - std::nearbyint(x) : x; }

    const Space<T>& space_;
    const T* plane_;
    Ends ends_;
    std::vector<T> base_;
    std::vector<double> table_, linear_, pairs_;
    double constant_ = 0, unit_ = 1;
    bool wrapped_ = false, tabled_ = true;
};

template <class T>
using Buffer = std::array<T, BLOCK>;

// Calls `act(column, tile, amplitudes)` for all columns of the qubits from `first` up, with the
// tile's amplitudes gathered; they are put back afterwards.
template <class T, size_t STATES, class Act>
void for_columns(const Space<T>& space, const std::array<Planes<T>, STATES>& x, int first, int qubits, Act act) {
    const size_t rows = size_t{1} << qubits, stride = size_t{1} << first, tile = rows * WIDTH;
    const size_t across = stride / WIDTH, columns = (space.blocks * space.count) / tile;
#pragma omp parallel num_threads(space.threads)
    {
        // Rows of a power of two of bytes would all fall into the same few sets of the cache.
        std::vector<T> room(STATES * 2 * (tile + WIDTH));
        std::array<Planes<T>, STATES> local;
        for (size_t k = 0; k < STATES; ++k) {
            T* start = room.data() + k * 2 * (tile + WIDTH);
            local[k] = {start, start + tile + WIDTH};
        }
#pragma omp for schedule(static)
        for (size_t column = 0; column < columns; ++column) {
            const size_t base = (column / across) * stride * rows + (column % across) * WIDTH;
            for (size_t k = 0; k < STATES; ++k)
                for (size_t row = 0; row < rows; ++row) {
                    std::copy_n(x[k].re + base + row * stride, WIDTH, local[k].re + row * WIDTH);
                    std::copy_n(x[k].im + base + row * stride, WIDTH, local[k].im + row * WIDTH);
                }
            act(column, local, tile);
            for (size_t k = 0; k < STATES; ++k)
                for (size_t row = 0; row < rows; ++row) {
                    std::copy_n(local[k].re + row * WIDTH, WIDTH, x[k].re + base + row * stride);
                    std::copy_n(local[k].im + row * WIDTH, WIDTH, x[k].im + base + row * stride);
                }
        }
    }
}

// A circuit: where its qubits point, its cost, and its angles a layer.
template <class T>
struct Circuit {
    Space<T> space;
    Row axes;
    Diagonal<T> diagonal;
    const double* weights;
    Table phases, turns;
    std::vector<std::vector<double>> tilts;  // angle a of each layer and qubit; empty if all are zero

    Circuit(size_t size, const T* plane, const Ends& ends, const Row& weights_, const Row& axes_,
            const Table& phases_, const Table& turns_, int threads)
        : space(static_cast<int>(axes_.shape(0)), threads),
          axes(axes_),
          diagonal(space, plane, ends),
          weights(weights_.data()),
          phases(phases_),
          turns(turns_) {
        if (space.qubits < 1 || space.qubits > MOST || size < space.blocks * space.count)
            throw nb::value_error("planes do not hold the states of so many qubits");
        bool level = true;
        for (size_t q = 0; q < axes.shape(0); ++q) level = level && axes.data()[q] == std::numbers::pi / 2;
        for (size_t layer = 0; !level && layer < turns.shape(0); ++layer) {
            tilts.emplace_back();
            for (size_t q = 0; q < axes.shape(0); ++q)
                tilts.back().push_back(tilted(turns(layer, q), axes.data()[q]).a);
        }
    }

    size_t layers() const { return turns.shape(0); }

    // The X turns of a layer, with `sign` -1 those that undo it. `plain` tells whether factors are
    // left out, which needs tangents of at most one; `scale` is all of them together.
    struct Turns {
        std::vector<Turn<T>> by;
        bool plain = true;
        T scale = 1;
    };

    Turns turns_of(size_t layer, double sign) const {
        const int lanes = std::min(space.use.lane_qubits, space.low);
        Turns out;
        std::vector<double> angles;
        for (int q = 0; q < space.qubits; ++q) {
            angles.push_back(sign * tilted(turns(layer, q), axes.data()[q]).b);
            out.plain = out.plain && std::cos(2 * angles[q]) >= 0 && std::cos(angles[q]) > 0;
        }
        const auto factor = [&](int q) { return out.plain ? std::cos(angles[q]) : 1.0; };
        double scale = 1, weight = 1;
        out.by.resize(angles.size());
        for (int q = 0; q < space.qubits; ++q) {
            const double c = std::cos(angles[q]), s = std::sin(angles[q]), left = factor(q);
            out.by[q] = {static_cast<T>(c / left), static_cast<T>(s / left), 1};
            scale *= left;
        }
        out.scale = static_cast<T>(scale);
        // Backward the passes come in this order; each takes its qubits two at a time.
        const auto weigh = [&](int first, int qubits) {
            for (int k = 0; k < qubits; k += 2) {
                const int take = std::min(2, qubits - k);
                for (int q = first + k; q < first + k + take; ++q) out.by[q].weight = weight;
                for (int q = first + k; q < first + k + take; ++q) weight *= factor(q) * factor(q);
            }
        };
        for (const auto& [first, qubits] : space.passes()) weigh(first, qubits);
        weigh(lanes, space.low - lanes);
        for (int q = 0; q < lanes; ++q) out.by[q].weight = weight;
        return out;
    }

    // Phases of a layer: the terms', and what tilted turns leave before it and after the last.
    void set_phases(size_t layer) {
        if (tilts.empty()) {
            diagonal.set(&phases(layer, 0), nullptr, 1 / CIRCLE, true);
            return;
        }
        std::vector<double> fields(tilts[layer]);
        for (size_t q = 0; layer && q < fields.size(); ++q) fields[q] += tilts[layer - 1][q];
        diagonal.set(&phases(layer, 0), fields.data(), 1 / CIRCLE, true);
    }

    void start(const Planes<T>& x) const {
        const auto amplitude = [&](int q, bool one) {
            return one ? std::sin(axes.data()[q] / 2) : std::cos(axes.data()[q] / 2);
        };
        std::vector<double> low(space.count);
        low[0] = 1;
        for (int q = 0; q < space.low; ++q)
            for (size_t z = 0; z < size_t{1} << q; ++z) {
                low[z + (size_t{1} << q)] = low[z] * amplitude(q, true);
                low[z] *= amplitude(q, false);
            }
#pragma omp parallel for num_threads(space.threads) schedule(static)
        for (size_t block = 0; block < space.blocks; ++block) {
            double by = 1;
            for (int q = space.low; q < space.qubits; ++q) by *= amplitude(q, block >> (q - space.low) & 1);
            const Planes<T> to = x.at(block * space.count);
            for (size_t z = 0; z < space.count; ++z) to.re[z] = static_cast<T>(by * low[z]);
            std::fill_n(to.im, space.count, T{0});
        }
    }

    void forward(const Planes<T>& x) {
        start(x);
        for (size_t layer = 0; layer < layers(); ++layer) {
            const Turns turned = turns_of(layer, 1);
            set_phases(layer);
#pragma omp parallel num_threads(space.threads)
            {
                Buffer<T> buffer{};
#pragma omp for schedule(static)
                for (size_t block = 0; block < space.blocks; ++block) {
                    diagonal.fill(block, buffer.data());
                    space.use.forward_block(x.at(block * space.count), buffer.data(), space.count, space.low,
                                            turned.by.data(), turned.plain, turned.scale);
                }
            }
            for (const auto& [first, qubits] : space.passes())
                for_columns<T, 1>(space, {x}, first, qubits,
                                  [&, first = first, qubits = qubits](size_t, auto& local, size_t tile) {
                                      space.use.forward_tile(
                                          local[0], tile, WIDTH, qubits, turned.by.data() + first, turned.plain);
                                  });
        }
    }

    // Expected cost; with `out`, out = cost x as well.
    double energy(const Planes<T>& x, const Planes<T>* out) {
        diagonal.set(weights, nullptr, 1.0, false);
        std::vector<double> parts(space.blocks);
#pragma omp parallel num_threads(space.threads)
        {
            Buffer<T> cost{}, squares{};
#pragma omp for schedule(static)
            for (size_t block = 0; block < space.blocks; ++block) {
                const Planes<T> at = x.at(block * space.count);
                diagonal.fill(block, cost.data());
                space.use.squares(at, space.count, squares.data());
                parts[block] = space.use.dot(cost.data(), squares.data(), space.count);
                if (out) space.use.weigh(at, cost.data(), space.count, out->at(block * space.count));
            }
        }
        double sum = 0;
        for (const double part : parts) sum += part;
        return sum;
    }

    // `fields` holds the slopes by the phases of single spins of the layer above; those of this
    // layer take their place.
    void backward(const Planes<T>& p, const Planes<T>& l, size_t layer, double* by_phase, double* by_turn,
                  std::vector<double>& fields, const Ends& ends) {
        const Turns turned = turns_of(layer, -1);
        const auto n = static_cast<size_t>(space.qubits);
        std::fill_n(by_turn, n, 0.0);
        std::vector<double> slopes;
        for (const auto& [first, qubits] : space.passes()) {
            const size_t columns = (space.blocks * space.count) >> qubits >> 6;
            slopes.assign(columns * TILE_QUBITS, 0.0);
            for_columns<T, 2>(space, {p, l}, first, qubits,
                              [&, first = first, qubits = qubits](size_t column, auto& local, size_t tile) {
                                  space.use.backward_tile(
                                      local[0], local[1], tile, WIDTH, qubits, turned.by.data() + first, turned.plain,
                                      &slopes[column * TILE_QUBITS]);
                              });
            for (size_t column = 0; column < columns; ++column)
                for (int q = 0; q < qubits; ++q) by_turn[first + q] += slopes[column * TILE_QUBITS + q];
        }
        set_phases(layer);
        const T* plane = diagonal.plane();
        slopes.assign(space.chunks() * BLOCK_QUBITS, 0.0);
        std::vector<double> weighed(space.chunks());
        const bool needed = !plane || !tilts.empty();
        std::vector<Moments> moments(needed ? space.chunks() : 0);
#pragma omp parallel num_threads(space.threads)
        {
            Buffer<T> buffer{};
#pragma omp for schedule(static)
            for (size_t chunk = 0; chunk < space.chunks(); ++chunk)
                for (size_t block = chunk * space.chunk; block < std::min(space.blocks, (chunk + 1) * space.chunk);
                     ++block) {
                    const size_t at = block * space.count;
                    diagonal.fill(block, buffer.data());
                    space.use.backward_block(p.at(at), l.at(at), buffer.data(), space.count, space.low,
                                             turned.by.data(), turned.plain, turned.scale,
                                             &slopes[chunk * BLOCK_QUBITS]);
                    if (plane) weighed[chunk] += space.use.dot(plane + at, buffer.data(), space.count);
                    if (needed)
                        add_moments(space, block, buffer.data(), moments[chunk]);
                }
        }
        for (size_t chunk = 0; chunk < space.chunks(); ++chunk)
            for (int q = 0; q < space.low; ++q) by_turn[q] += slopes[chunk * BLOCK_QUBITS + q];
        for (size_t chunk = 1; chunk < moments.size(); ++chunk) moments[0].add(moments[chunk]);
        for (size_t q = 0; q < n; ++q) {
            const Tilted by = tilted(turns(layer, q), axes.data()[q]);
            by_turn[q] *= 2 * by.b_slope;
            if (tilts.empty()) continue;
            const double field = 2 * moments[0].single[q];
            by_turn[q] += (field + fields[q]) * by.a_slope;
            fields[q] = field;
        }
        if (!plane) {
            for (size_t t = 0; t < ends.shape(0); ++t) by_phase[t] = 2 * moments[0].of(ends(t, 0), ends(t, 1));
            return;
        }
        by_phase[0] = 0;
        for (const double part : weighed) by_phase[0] += 2 * part;
    }
};

template <class T>
const T* plane_or_none(const Plane<const T>& cost) {
    return cost.shape(0) ? cost.data() : nullptr;
}

template <class T>
double evolve(Plane<T> re, Plane<T> im, Plane<const T> cost, Ends ends, Row weights, Row axes, Table phases,
              Table turns, int threads) {
    const nb::gil_scoped_release released;
    Circuit<T> circuit(re.shape(0), plane_or_none(cost), ends, weights, axes, phases, turns, threads);
    const Planes<T> x{re.data(), im.data()};
    circuit.forward(x);
    return circuit.energy(x, nullptr);
}

template <class T>
double gradient(Plane<T> re, Plane<T> im, Plane<T> adjoint_re, Plane<T> adjoint_im, Plane<const T> cost,
                Ends ends, Row weights, Row axes, Table phases, Table turns, OutTable by_phase,
                OutTable by_turn, int threads) {
    const nb::gil_scoped_release released;
    Circuit<T> circuit(re.shape(0), plane_or_none(cost), ends, weights, axes, phases, turns, threads);
    const Planes<T> x{re.data(), im.data()}, l{adjoint_re.data(), adjoint_im.data()};
    circuit.forward(x);
    const double energy = circuit.energy(x, &l);
    std::vector<double> fields(axes.shape(0), 0.0);
    for (size_t layer = circuit.layers(); layer-- > 0;)
        circuit.backward(x, l, layer, &by_phase(layer, 0), &by_turn(layer, 0), fields, ends);
    return energy;
}

// <s_i> on the diagonal of `out`, <s_i s_j> above it.
template <class T>
void correlations(Plane<const T> re, Plane<const T> im, OutTable out, int threads) {
    const nb::gil_scoped_release released;
    const Space<T> space(static_cast<int>(out.shape(0)), threads);
    const Planes<const T> x{re.data(), im.data()};
    std::vector<Moments> parts(space.chunks());
#pragma omp parallel num_threads(space.threads)
    {
        Buffer<T> buffer{};
#pragma omp for schedule(static)
        for (size_t chunk = 0; chunk < space.chunks(); ++chunk)
            for (size_t block = chunk * space.chunk; block < std::min(space.blocks, (chunk + 1) * space.chunk);
                 ++block) {
                const size_t at = block * space.count;
                space.use.squares(
                    {const_cast<T*>(x.re) + at, const_cast<T*>(x.im) + at}, space.count, buffer.data());
                add_moments(space, block, buffer.data(), parts[chunk]);
            }
    }
    for (size_t chunk = 1; chunk < parts.size(); ++chunk) parts[0].add(parts[chunk]);
    for (int i = 0; i < space.qubits; ++i)
        for (int j = i; j < space.qubits; ++j) out(i, j) = parts[0].of(i, j) / parts[0].whole;
}

// Index at which the running sum of |x|^2 passes each of `levels` (ascending, as shares of the whole).
template <class T>
void draw(Plane<const T> re, Plane<const T> im, size_t states, Row levels,
          nb::ndarray<int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> out) {
    const nb::gil_scoped_release released;
    const auto weight = [&](size_t z) {
        return static_cast<double>(re.data()[z]) * re.data()[z] + static_cast<double>(im.data()[z]) * im.data()[z];
    };
    double whole = 0;
    for (size_t z = 0; z < states; ++z) whole += weight(z);
    size_t z = 0, last = 0;
    double sum = 0;
    for (size_t shot = 0; shot < levels.shape(0); ++shot) {
        const double wanted = levels.data()[shot] * whole;
        for (; z < states; ++z) {
            const double w = weight(z);
            if (w > 0) last = z;
            if (sum + w > wanted) break;
            sum += w;
        }
        out.data()[shot] = static_cast<int64_t>(z < states ? z : last);
    }
}

// Walsh-Hadamard transform in place over the bits of an index from `first` up: v'[k] is the sum of
// v[x] with the parity of k & x as sign.
void walsh(Plane<double> v, int first) {
    const nb::gil_scoped_release released;
    const Chosen<double> use = loops<double>();
    const size_t size = v.shape(0);
    const size_t block = std::min(size, BLOCK);
    constexpr size_t lanes = 8;
    for (size_t at = 0; at < size; at += block) {
        size_t stride = size_t{1} << first;
        for (; stride < std::min(lanes, block); stride *= 2)
            for (size_t start = at; start < at + block; start += 2 * stride)
                for (size_t x = start; x < start + stride; ++x) {
                    const double a = v.data()[x], b = v.data()[x + stride];
                    v.data()[x] = a + b;
                    v.data()[x + stride] = a - b;
                }
        for (; stride < block; stride *= 2) use.butterflies(v.data() + at, block, stride);
    }
    for (size_t stride = std::max(block, size_t{1} << first); stride < size; stride *= 2)
        use.butterflies(v.data(), size, stride);
}

template <class T>
void bind(nb::module_& module) {
    module.def("evolve", &evolve<T>, nb::arg("re").noconvert(), nb::arg("im").noconvert(),
               nb::arg("cost").noconvert(), nb::arg("ends").noconvert(), nb::arg("weights"), nb::arg("axes"),
               nb::arg("phases"), nb::arg("turns"), nb::arg("threads"));
    module.def("gradient", &gradient<T>, nb::arg("re").noconvert(), nb::arg("im").noconvert(),
               nb::arg("adjoint_re").noconvert(), nb::arg("adjoint_im").noconvert(), nb::arg("cost").noconvert(),
               nb::arg("ends").noconvert(), nb::arg("weights"), nb::arg("axes"), nb::arg("phases"),
               nb::arg("turns"), nb::arg("by_phase").noconvert(), nb::arg("by_turn").noconvert(),
               nb::arg("threads"));
    module.def("correlations", &correlations<T>, nb::arg("re").noconvert(), nb::arg("im").noconvert(),
               nb::arg("out").noconvert(), nb::arg("threads"));
    module.def("draw", &draw<T>, nb::arg("re").noconvert(), nb::arg("im").noconvert(), nb::arg("states"),
               nb::arg("levels"), nb::arg("out").noconvert());
}

}  // namespace

NB_MODULE(_mixers, module) {
    bind<float>(module);
    bind<double>(module);
    module.def("walsh", &walsh, nb::arg("values").noconvert(), nb::arg("first"));
    module.def("limit", &limit, nb::arg("level"));
}
