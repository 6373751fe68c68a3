// QAOA with the X mixer on the whole cube of bit strings: few passes, each over tiles in cache.
//
// The mixers of different qubits commute, so half of a layer's qubits can wait for the next layer's
// phase: pass k finishes layer k on one half of the qubits, takes the phase of layer k + 1, and
// begins that layer's mixer on the same half. The next pass does the other half. p layers take
// p + 1 passes, of which the first reads nothing and the last writes nothing.
//
// Where a cost does not change when all bits are flipped, complements have equal amplitudes. Only
// the strings whose highest bit is 0 are kept; flipping that bit is then flipping all others.
//
// Sums run over tiles in a fixed order, so the number of threads changes nothing.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/tuple.h>

#include <omp.h>
#include <sys/mman.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <numbers>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "cube/shape.hpp"

namespace nb = nanobind;

#define WIDE_LOOPS "cube/loops.hpp"
#include "instructions.hpp"

namespace {

using namespace qupel::cube;

// The loops of the best instruction set this processor has.
template <class T>
struct Chosen {
    decltype(&baseline::Loops<T>::sweep) sweep;
    decltype(&baseline::Loops<T>::unsweep) unsweep;
    decltype(&baseline::Loops<T>::forward) forward;
    decltype(&baseline::Loops<T>::backward) backward;
    int forward_bits, backward_bits;
};

template <class T, class L>
constexpr Chosen<T> loops_of() {
    return {L::sweep, L::unsweep, L::forward, L::backward, L::forward_bits, L::backward_bits};
}

template <class T>
Chosen<T> loops() {
    return widest(loops_of<T, avx512::Loops<T>>(), loops_of<T, avx2::Loops<T>>(),
                  loops_of<T, baseline::Loops<T>>());
}

using Doubles = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Angles = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Indices = nb::ndarray<int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Memory on whole huge pages: columns of a pass touch as many pages as they have rows.
template <class T>
struct Room {
    struct Free {
        void operator()(T* at) const { std::free(at); }
    };
    std::unique_ptr<T[], Free> at;

    explicit Room(size_t count = 0) {
        if (!count) return;
        constexpr size_t page = size_t{1} << 21;
        const size_t bytes = count * sizeof(T), align = bytes < page ? 64 : page;
        void* got = std::aligned_alloc(align, (bytes + align - 1) / align * align);
        if (!got) throw std::bad_alloc();
        if (align == page) madvise(got, bytes, MADV_HUGEPAGE);
        at.reset(static_cast<T*>(got));
    }
    T* get() const { return at.get(); }
};

// Row qubits that one sweep each takes: at most `most` at a time, evenly.
struct Spans {
    std::array<std::pair<int, int>, 16> of{};
    int count = 0;
    Spans(int first, int end, int most) {
        const int qubits = end - first;
        count = qubits > 0 ? (qubits + most - 1) / most : 0;
        for (int k = 0, at = first; k < count; ++k) {
            const int now = (end - at + count - k - 1) / (count - k);
            of[k] = {at, now};
            at += now;
        }
    }
};

template <class T>
class Cube {
    static constexpr int LANES = 64 / sizeof(T);
    static constexpr int INSIDE = LANES == 16 ? 4 : 3;  // qubits inside a chunk
    static constexpr int WHOLE = 13;                    // qubits of one tile that stays in cache

    int qubits_;
    bool mirrored_;
    int threads_;
    int low_, middle_, high_;
    size_t rows_;                   // chunks of a block of low qubits
    size_t block_, slab_, chunks_;  // chunks from block to block, from slab to slab, in all
    bool tabled_;
    int kind_ = 0;
    std::array<T, LEVELS> values_{};
    Room<T> state_, adjoint_, costs_;
    Room<uint8_t> levels_, columns_;  // by block, and by column of the high qubits
    double norm_ = 1;                 // square of what the amplitudes must be multiplied by
    std::vector<double> parts_;
    std::vector<Slopes> slopes_;

    bool whole() const { return high_ == 0; }
    size_t blocks() const { return size_t{1} << middle_; }
    size_t slabs() const { return size_t{1} << high_; }

    // Chunk (slab, block, row).
    size_t at(size_t slab, size_t block, size_t row) const { return slab * slab_ + block * block_ + row; }

    struct Layer {
        double gamma = 0;
        Turn<T> turn;
        double factor = 1;  // of all its qubits together
    };

    Layer layer(double gamma, double beta) const {
        const Turn<T> by = turn_by<T>(beta);
        return {gamma, by, std::pow(by.factor, qubits_ + mirrored_)};
    }

    struct Tables {
        alignas(64) std::array<T, LEVELS> cosine, sine;
    };

    Phase<T> phase(double gamma, double factor, Tables& room) const {
        if (!tabled_)
            return {nullptr, nullptr, static_cast<T>(gamma / (2 * std::numbers::pi)), static_cast<T>(factor)};
        for (size_t k = 0; k < LEVELS; ++k) {
            const double angle = gamma * static_cast<double>(values_[k]);
            room.cosine[k] = static_cast<T>(factor * std::cos(angle));
            room.sine[k] = static_cast<T>(factor * std::sin(angle));
        }
        return {room.cosine.data(), room.sine.data(), 0, static_cast<T>(factor)};
    }

    // A pass over pairs of low blocks, or over pairs of columns of the high qubits.
    struct Pass {
        bool tall;     // columns
        size_t tiles;
        int rows;      // row qubits of a tile
        int lanes;     // qubits inside a chunk that this pass turns
    };

    Pass pass(size_t number) const {
        const bool tall = !whole() && number % 2 == 1;
        const size_t all = tall ? blocks() * rows_ : blocks() * slabs();
        const int lanes = std::min(qubits_, INSIDE);
        return {tall, mirrored_ && !whole() ? all / 2 : all, tall ? high_ : low_ - lanes, tall ? 0 : lanes};
    }

    Tile<T> tile(const Pass& pass, size_t number) const {
        const size_t rows = size_t{1} << pass.rows;
        size_t first, step, order;  // first chunk, chunks between rows, first chunk among the levels
        if (pass.tall) {
            first = at(0, number / rows_, number % rows_);
            step = slab_;
            order = number * rows;
        } else {
            first = at(number / blocks(), number % blocks(), 0);
            step = 1;
            order = number * rows;
        }
        const uint8_t* levels = pass.tall ? columns_.get() : levels_.get();
        Tile<T> out{};
        out.state = state_.get() + first * 2 * LANES;
        out.adjoint = adjoint_.get() ? adjoint_.get() + first * 2 * LANES : nullptr;
        out.step = static_cast<ptrdiff_t>(step * 2 * LANES);
        out.levels = levels + order * LANES;
        out.costs = costs_.get() + first * LANES;
        out.rows = rows;
        out.mirror_levels = out.levels;
        out.mirror_costs = out.costs;
        if (mirrored_) {
            // Complements lie as far from the end as their partners from the beginning.
            const size_t last = at(slabs() - 1, blocks() - 1, rows_ - 1) - first;
            const size_t states = (rows_ * blocks() * slabs() - 1) - order;
            out.mirror = state_.get() + last * 2 * LANES;
            out.mirror_adjoint = out.adjoint ? adjoint_.get() + last * 2 * LANES : nullptr;
            out.mirror_levels = levels + states * LANES;
            out.mirror_costs = costs_.get() + last * LANES;
            if (whole()) out.rows = rows / 2;
        }
        return out;
    }

    // Turns the row qubits from `first` up of a tile and its mirror image.
    void sweep(const Chosen<T>& use, const Pass& pass, const Tile<T>& tile, int first, const Turn<T>& by,
               bool arriving) const {
        const size_t rows = size_t{1} << pass.rows;
        const Spans spans(first, pass.rows, 3);
        for (int k = spans.count; k-- > 0;) {
            const auto [from, bits] = spans.of[k];
            const ptrdiff_t ahead = arriving && pass.tall && k == spans.count - 1 ? 2 * LANES : 0;
            use.sweep(tile.state, tile.step, rows, from, bits, by, ahead);
            if (tile.mirror && !whole())
                use.sweep(tile.mirror - tile.step * static_cast<ptrdiff_t>(rows - 1), tile.step, rows, from, bits, by,
                          -ahead);
        }
    }

    // … and back, on the state and its adjoint; returns their slopes, weighed.
    double unsweep(const Chosen<T>& use, const Pass& pass, const Tile<T>& tile, int first, const Turn<T>& by,
                   double weight, bool arriving) const {
        const size_t rows = size_t{1} << pass.rows;
        const Spans spans(first, pass.rows, 2);
        double slope = 0;
        for (int k = spans.count; k-- > 0;) {
            const auto [from, bits] = spans.of[k];
            const ptrdiff_t ahead = arriving && pass.tall && k == spans.count - 1 ? 2 * LANES : 0;
            slope += weight * use.unsweep(tile.state, tile.adjoint, tile.step, rows, from, bits, by, ahead);
            if (tile.mirror && !whole()) {
                const ptrdiff_t back = tile.step * static_cast<ptrdiff_t>(rows - 1);
                slope += weight * use.unsweep(tile.mirror - back, tile.mirror_adjoint - back, tile.step, rows, from,
                                              bits, by, -ahead);
            }
            weight *= std::pow(by.factor, 2 * bits);
        }
        return slope;
    }

    // The middle qubits, where there are any: columns of blocks.
    void middle(const Chosen<T>& use, const Turn<T>& by) {
        if (!middle_) return;
        const Spans spans(0, middle_, 3);
#pragma omp for schedule(dynamic, 16)
        for (size_t k = 0; k < slabs() * rows_; ++k) {
            T* x = state_.get() + at(k / rows_, 0, k % rows_) * 2 * LANES;
            for (int s = spans.count; s-- > 0;)
                use.sweep(x, static_cast<ptrdiff_t>(block_ * 2 * LANES), blocks(), spans.of[s].first,
                          spans.of[s].second, by, s == spans.count - 1 ? 2 * LANES : 0);
        }
    }

    // Row qubits of the core: `most`, or none of a tiny state.
    static int core_bits(const Tile<T>& tile, int most) {
        return tile.rows >> most ? most : 0;
    }

    // One pass forward. Layer `k` is finished, layer `k + 1` begun; k counts from 0, which is the
    // uniform state.
    void forward_pass(const Chosen<T>& use, const std::vector<Layer>& layers, size_t k, bool keep) {
        const Pass by = pass(k);
        const bool finish = k + 1 == layers.size();
        Tables room;
        Core<T> core{};
        core.values = values_.data();
        core.kind = kind_;
        core.lanes = by.lanes;
        core.last = layers[k].turn;
        core.before = !whole();
        core.after = true;
        core.fresh = k == 0;
        core.finish = finish;
        core.keep = keep || !finish;
        if (!finish) {
            core.next = layers[k + 1].turn;
            core.phase = phase(layers[k + 1].gamma, layers[k].factor, room);
        }
#pragma omp for schedule(dynamic, 4)
        for (size_t number = 0; number < by.tiles; ++number) {
            const Tile<T> on = tile(by, number);
            const int bits = core_bits(on, use.forward_bits);
            if (k > 0 && !whole()) sweep(use, by, on, bits, core.last, true);
            parts_[number] = use.forward(on, core);
            if (!finish) sweep(use, by, on, bits, core.next, false);
        }
    }

    double summed(size_t count) const {
        double sum = 0;
        for (size_t k = 0; k < count; ++k) sum += parts_[k];
        return sum;
    }

    // One pass backward over the state and its adjoint: the reverse of pass k, or with k the number
    // of layers the last pass and its reverse at once.
    void backward_pass(const Chosen<T>& use, const std::vector<Layer>& layers, size_t k) {
        const Pass by = pass(k);
        const bool finish = k + 1 == layers.size();
        Tables room;
        Core<T> core{};
        core.values = values_.data();
        core.kind = kind_;
        core.lanes = by.lanes;
        core.finish = finish;
        core.keep = k > 0;
        core.before = !whole();
        core.after = !whole();
        core.undo = true;
        const auto back = [](const Turn<T>& turn) { return Turn<T>{turn.swap, -turn.t, turn.factor}; };
        core.last = back(layers[k].turn);
        const double shrink = layers[k].turn.factor * layers[k].turn.factor;
        double weight = 1, later = 1;
        if (finish) {
            core.phase.factor = static_cast<T>(layers[k].factor);
        } else {
            core.next = back(layers[k + 1].turn);
            core.phase = phase(-layers[k + 1].gamma, layers[k + 1].factor, room);
            later = layers[k + 1].turn.factor * layers[k + 1].turn.factor;
            const Pass other = pass(k + 1);
            weight = whole() ? 1 : std::pow(later, mirrored_ + other.rows + other.lanes + middle_);
        }
#pragma omp for schedule(dynamic, 4)
        for (size_t number = 0; number < by.tiles; ++number) {
            const Tile<T> on = tile(by, number);
            const int bits = core_bits(on, use.backward_bits);
            Slopes sum;
            if (finish && !whole()) sweep(use, by, on, bits, layers[k].turn, true);
            double next = 0;
            if (!finish && !whole()) next = unsweep(use, by, on, bits, core.next, weight, true);
            parts_[number] = use.backward(on, core, sum);
            sum.next = next + sum.next * weight * std::pow(later, by.rows - bits);
            if (k > 0) {
                sum.last += unsweep(use, by, on, bits, core.last, std::pow(shrink, mirrored_ + bits + by.lanes), false);
            }
            slopes_[number] = sum;
        }
    }

    void middle_back(const Chosen<T>& use, const Turn<T>& forward, double weight) {
        const Turn<T> by{forward.swap, -forward.t, forward.factor};
        const Spans spans(0, middle_, 2);
#pragma omp for schedule(dynamic, 16)
        for (size_t k = 0; k < slabs() * rows_; ++k) {
            const size_t x = at(k / rows_, 0, k % rows_) * 2 * LANES;
            double now = weight, slope = 0;
            for (int s = spans.count; s-- > 0;) {
                slope += now * use.unsweep(state_.get() + x, adjoint_.get() + x,
                                           static_cast<ptrdiff_t>(block_ * 2 * LANES), blocks(), spans.of[s].first,
                                           spans.of[s].second, by, s == spans.count - 1 ? 2 * LANES : 0);
                now *= std::pow(by.factor, 2 * spans.of[s].second);
            }
            parts_[k] = slope;
        }
    }

    std::vector<Layer> layers_of(const Angles& gammas, const Angles& betas) const {
        std::vector<Layer> out(1);
        out[0].factor = std::pow(2.0, -0.5 * qubits_);
        for (size_t k = 0; k < gammas.shape(0); ++k) out.push_back(layer(gammas.data()[k], betas.data()[k]));
        return out;
    }

    int team() const { return qubits_ < 17 ? 1 : threads_; }  // a pass is short work

    void make_room() { parts_.resize(std::max<size_t>({parts_.size(), slabs() * rows_, slabs() * blocks(), blocks() * rows_})); }

   public:
    Cube(int qubits, bool mirrored, bool tabled, int low, int high, int threads)
        : qubits_(qubits), mirrored_(mirrored), threads_(threads), tabled_(tabled) {
        low_ = low;
        high_ = high;
        middle_ = qubits - low - high;
        rows_ = size_t{1} << std::max(low_ - INSIDE, 0);
        block_ = whole() ? rows_ : rows_ + 1;
        slab_ = blocks() * block_ + (middle_ ? 1 : 0);
        chunks_ = slabs() * slab_;
        state_ = Room<T>(chunks_ * 2 * LANES);
        if (tabled_) {
            levels_ = Room<uint8_t>(rows_ * blocks() * slabs() * LANES);
            columns_ = whole() ? Room<uint8_t>() : Room<uint8_t>(rows_ * blocks() * slabs() * LANES);
        } else {
            costs_ = Room<T>(chunks_ * LANES);
        }
        if (qubits_ < INSIDE) {  // lanes beyond the states: cost zero, and amplitudes never read
            if (tabled_) std::fill_n(levels_.get(), LANES, uint8_t{0});
            else std::fill_n(costs_.get(), LANES, T{0});
        }
        make_room();
    }

    // Costs of the states from `begin` on. Levels count steps above the base.
    void fill(size_t begin, Angles costs, double base, double step) {
        const nb::gil_scoped_release released;
        const double* from = costs.data();
        const size_t count = costs.shape(0);
        const size_t lanes = std::min<size_t>(LANES, count);
        const double steps = 1 / step;
#pragma omp parallel for num_threads(threads_) schedule(static)
        for (size_t k = 0; k < count; k += lanes) {
            const size_t chunk = (begin + k) / LANES, row = chunk % rows_, block = chunk / rows_ % blocks(),
                         slab = chunk / rows_ / blocks();
            if (tabled_) {
                uint8_t* to = levels_.get() + chunk * LANES;
                for (size_t lane = 0; lane < lanes; ++lane)
                    to[lane] = static_cast<uint8_t>((from[k + lane] - base) * steps + 0.5);
                if (!whole())
                    std::copy_n(to, lanes, columns_.get() + ((block * rows_ + row) * slabs() + slab) * LANES);
            } else {
                T* to = costs_.get() + at(slab, block, row) * LANES;
                for (size_t lane = 0; lane < lanes; ++lane) to[lane] = static_cast<T>(from[k + lane]);
            }
        }
    }

    // Cost of each level.
    void set_values(Angles values) {
        std::fill(values_.begin(), values_.end(), T{0});
        for (size_t k = 0; k < values.shape(0); ++k) values_[k] = static_cast<T>(values.data()[k]);
        kind_ = values.shape(0) <= 32 && level >= 2 ? 32 : 64;  // two sizes pay with AVX-512 alone
    }

    double evolve(Angles gammas, Angles betas, bool keep) {
        const nb::gil_scoped_release released;
        const auto layers = layers_of(gammas, betas);
        const Chosen<T> use = loops<T>();
#pragma omp parallel num_threads(team())
        for (size_t k = 0; k < layers.size(); ++k) {
            if (k > 0) middle(use, layers[k].turn);
            forward_pass(use, layers, k, keep);
        }
        norm_ = layers.back().factor * layers.back().factor;
        return summed(pass(layers.size() - 1).tiles) * norm_;
    }

    double gradient(Angles gammas, Angles betas, Doubles by_gamma, Doubles by_beta) {
        if (gammas.shape(0) == 0) return evolve(gammas, betas, true);
        const nb::gil_scoped_release released;
        const auto layers = layers_of(gammas, betas);
        const size_t depth = layers.size() - 1;
        if (!adjoint_.get()) adjoint_ = Room<T>(chunks_ * 2 * LANES);
        slopes_.resize(parts_.size());
        std::fill_n(by_beta.data(), depth, 0.0);
        const Chosen<T> use = loops<T>();
        double energy = 0;
#pragma omp parallel num_threads(team())
        {
            for (size_t k = 0; k < depth; ++k) {
                if (k > 0) middle(use, layers[k].turn);
                forward_pass(use, layers, k, true);
            }
            if (depth > 0) middle(use, layers[depth].turn);
            for (size_t k = depth + 1; k-- > 0;) {
                backward_pass(use, layers, k);
                const Pass by = pass(k);
#pragma omp single
                {
                    if (k == depth) energy = summed(by.tiles);
                    Slopes sum;
                    for (size_t number = 0; number < by.tiles; ++number) {
                        sum.gamma += slopes_[number].gamma;
                        sum.next += slopes_[number].next;
                        sum.last += slopes_[number].last;
                    }
                    if (k < depth) {
                        by_gamma.data()[k] = 2 * sum.gamma;
                        by_beta.data()[k] += 2 * sum.next;
                    }
                    if (k > 0) by_beta.data()[k - 1] += 2 * sum.last;
                }
                if (middle_ && k > 0) {
                    middle_back(use, layers[k].turn,
                                std::pow(layers[k].turn.factor, 2 * (mirrored_ + by.rows + by.lanes)));
#pragma omp single
                    by_beta.data()[k - 1] += 2 * summed(slabs() * rows_);
                }
            }
        }
        return energy;
    }

    // Index of the state at which the running sum of |x|^2 passes each of `shares` of the whole
    // (ascending), of a state that was kept.
    void draw(Angles shares, Indices out) const {
        const nb::gil_scoped_release released;
        const size_t lanes = std::min<size_t>(LANES, size_t{1} << qubits_), runs = slabs() * blocks();
        const auto weight = [&](size_t chunk, size_t lane) {
            const T* x = state_.get() + chunk * 2 * LANES;
            const double re = x[lane], im = x[LANES + lane];
            return re * re + im * im;
        };
        std::vector<double> sums(runs);
#pragma omp parallel for num_threads(threads_) schedule(static) if (qubits_ > 16)
        for (size_t run = 0; run < runs; ++run) {
            double sum = 0;
            for (size_t row = 0; row < rows_; ++row)
                for (size_t lane = 0; lane < lanes; ++lane)
                    sum += weight(at(run / blocks(), run % blocks(), row), lane);
            sums[run] = sum;
        }
        double whole = 0;
        for (const double sum : sums) whole += sum;
        size_t run = 0, place = 0, last = 0;  // place: state within the run
        double before = 0, sum = 0;
        for (size_t shot = 0; shot < shares.shape(0); ++shot) {
            const double share = shares.data()[shot] * whole;
            while (run + 1 < runs && before + sums[run] <= share) {
                before += sums[run++];
                place = 0;
                sum = 0;
            }
            // A state is taken once the sum through it passes the share.
            const size_t end = rows_ * lanes;
            for (; place < end; ++place) {
                const double w = weight(at(run / blocks(), run % blocks(), place / lanes), place % lanes);
                if (w > 0) last = run * end + place;
                if (before + (sum + w) > share) break;
                sum += w;
            }
            out.data()[shot] = static_cast<int64_t>(place < end ? run * end + place : last);
        }
    }

    // |x|^2 of the states from `begin` on, of a state that was kept.
    void weights(size_t begin, Doubles out) const {
        const nb::gil_scoped_release released;
        const size_t count = out.shape(0), lanes = std::min<size_t>(LANES, size_t{1} << qubits_);
#pragma omp parallel for num_threads(threads_) schedule(static) if (count > 100000)
        for (size_t k = 0; k < count; k += lanes) {
            const size_t chunk = (begin + k) / LANES, row = chunk % rows_, block = chunk / rows_ % blocks(),
                         slab = chunk / rows_ / blocks();
            const T* x = state_.get() + at(slab, block, row) * 2 * LANES;
            for (size_t lane = 0; lane < lanes; ++lane) {
                const double re = x[lane], im = x[LANES + lane];
                out.data()[k + lane] = norm_ * (re * re + im * im);
            }
        }
    }
};

template <class T>
void bind(nb::module_& module, const char* name) {
    nb::class_<Cube<T>>(module, name)
        .def(nb::init<int, bool, bool, int, int, int>(), nb::arg("qubits"), nb::arg("mirrored"), nb::arg("tabled"),
             nb::arg("low"), nb::arg("high"), nb::arg("threads"))
        .def("fill", &Cube<T>::fill, nb::arg("begin"), nb::arg("costs"), nb::arg("base"), nb::arg("step"))
        .def("set_values", &Cube<T>::set_values, nb::arg("values"))
        .def("evolve", &Cube<T>::evolve, nb::arg("gammas"), nb::arg("betas"), nb::arg("keep"))
        .def("gradient", &Cube<T>::gradient, nb::arg("gammas"), nb::arg("betas"), nb::arg("by_gamma").noconvert(),
             nb::arg("by_beta").noconvert())
        .def("draw", &Cube<T>::draw, nb::arg("shares"), nb::arg("out").noconvert())
        .def("weights", &Cube<T>::weights, nb::arg("begin"), nb::arg("out").noconvert());
}

}  // namespace

NB_MODULE(_cube, module) {
    bind<float>(module, "SingleCube");
    bind<double>(module, "DoubleCube");
    module.def("limit", &limit, nb::arg("level"));
}
