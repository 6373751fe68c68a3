// Fusing a list of gates into clusters, one after another, by what the clusters cost.
//
// A gate joins the last clusters on its qubits when their common matrix costs less than they do
// apart. Diagonal gates join a matrix if that pays, and otherwise gather in a phase or a table,
// which any number of them share. Positions in the list keep the order of what does not commute.
#pragma once

#include "cluster.hpp"

namespace qupel {

// Gates side by side in memory: gate g acts on qubits[starts[g]] … and matrices follow each other.
struct GateList {
    const int32_t* qubits;
    const int32_t* starts;
    const Complex* matrices;
    size_t count;
};

class Fuser {
public:
    // With `slopes`, gates that depend on a parameter (`slopes[g]`) are never taken for controlled
    // or diagonal by their value, which the parameter changes, and no phases are made.
    Fuser(const GateList& gates, const std::vector<char>* slopes, const std::vector<char>* diagonal)
        : slopes_(slopes), diagonal_(diagonal) {
        last_.fill(-1);
        last_dense_.fill(-1);
        const Complex* at = gates.matrices;
        for (size_t g = 0; g < gates.count; ++g) {
            Matrix m;
            m.qubits.assign(gates.qubits + gates.starts[g], gates.qubits + gates.starts[g + 1]);
            const size_t entries = m.side() * m.side();
            m.at.assign(at, at + entries);
            at += entries;
            add(widened(m, joined(m.qubits, {})), int(g));
        }
    }

    std::vector<Cluster> clusters() {
        join_neighbours();
        std::vector<Cluster> out;
        for (Cluster& cluster : list_)
            if (!cluster.gone) out.push_back(slopes_ ? std::move(cluster) : finished(cluster));
        if (scale_ != Complex(1)) put_scale(out);
        return out;
    }

private:
    std::vector<Cluster> list_;
    std::array<int, 64> last_{}, last_dense_{};  // cluster that last touched, or changed, a qubit
    Complex scale_ = 1;                          // factor of the whole state
    const std::vector<char>* slopes_;
    const std::vector<char>* diagonal_;

    size_t limit() const { return slopes_ ? 3 : DENSE_QUBITS; }

    double cost(const Matrix& m) const {
        return slopes_ ? WHOLE_COST[m.qubits.size()] : cost_of(m);
    }

    void add(const Matrix& m, int gate) {
        const bool looks = slopes_ ? (*diagonal_)[size_t(gate)] != 0 : is_diagonal(m);
        looks ? add_diagonal(m, gate) : add_dense(m, gate);
    }

    // Whether cluster `from` may move down to place `to` without passing what it does not commute with.
    bool can_move(int from, int to) const {
        if (to - from > 512) return false;
        const uint64_t mask = list_[size_t(from)].mask();
        for (int k = from + 1; k < to; ++k)
            if (!list_[size_t(k)].gone && (list_[size_t(k)].mask() & mask)) return false;
        return true;
    }

    // The last dense clusters on these qubits, earliest first.
    std::vector<int> before(const Matrix& m, const std::array<int, 64>& last) const {
        std::vector<int> out;
        for (const int q : m.qubits) {
            const int k = last[size_t(q)];
            if (k >= 0 && list_[size_t(k)].kind == Cluster::DENSE) out.push_back(k);
        }
        std::sort(out.begin(), out.end());
        out.erase(std::unique(out.begin(), out.end()), out.end());
        return out;
    }

    struct Choice {
        double gain = -1e-9;
        std::vector<int> with;
        Matrix matrix;
        int place = -1;
    };

    // The best set of earlier clusters to join with `m`, if any is worth it.
    Choice best_choice(const Matrix& m, double alone, const std::array<int, 64>& last, bool at_end) const {
        Choice best;
        const std::vector<int> known = before(m, last);
        int latest = -1;
        for (const int q : m.qubits) latest = std::max(latest, last[size_t(q)]);
        const int end = int(list_.size());
        for (size_t subset = 1; subset < (size_t{1} << known.size()); ++subset) {
            std::vector<int> with, qubits = m.qubits;
            double apart = alone;
            for (size_t k = 0; k < known.size(); ++k)
                if (subset >> k & 1) {
                    const Cluster& cluster = list_[size_t(known[k])];
                    with.push_back(known[k]);
                    apart += cluster.cost;
                    qubits = joined(qubits, cluster.matrix.qubits);
                }
            if (qubits.size() > limit()) continue;
            int place = with.back();
            if (latest > place) place = end;
            if (place == end && !at_end) continue;
            if (!std::all_of(with.begin(), with.end(), [&](int k) { return k == place || can_move(k, place); }))
                continue;
            Matrix sum = widened(list_[size_t(with[0])].matrix, qubits);
            for (size_t k = 1; k < with.size(); ++k)
                sum = product(widened(list_[size_t(with[k])].matrix, qubits), sum);
            sum = product(widened(m, qubits), sum);
            const double gain = apart - cost(sum);
            if (gain > best.gain || (gain == best.gain && with.size() > best.with.size()))
                best = {gain, with, sum, place};
        }
        return best;
    }

    void touch(int k) {
        for (uint64_t rest = list_[size_t(k)].mask(); rest; rest &= rest - 1) {
            int& last = last_[size_t(__builtin_ctzll(rest))];
            last = std::max(last, k);
        }
        for (uint64_t rest = list_[size_t(k)].changed; rest; rest &= rest - 1) {
            int& last = last_dense_[size_t(__builtin_ctzll(rest))];
            last = std::max(last, k);
        }
    }

    void append(Cluster cluster) {
        list_.push_back(std::move(cluster));
        touch(int(list_.size()) - 1);
    }

    void join(const Choice& choice, int gate) {
        Cluster cluster;
        cluster.matrix = choice.matrix;
        cluster.changed = cluster.matrix.mask();
        cluster.cost = cost(cluster.matrix);
        for (const int k : choice.with) {
            const std::vector<int>& gates = list_[size_t(k)].gates;
            cluster.gates.insert(cluster.gates.end(), gates.begin(), gates.end());
            list_[size_t(k)].gone = true;
        }
        cluster.gates.push_back(gate);
        if (choice.place == int(list_.size())) {
            append(std::move(cluster));
        } else {
            list_[size_t(choice.place)] = std::move(cluster);
            touch(choice.place);
        }
    }

    void add_dense(const Matrix& m, int gate) {
        const double alone = cost(m);
        const Choice choice = best_choice(m, alone, last_, true);
        if (!choice.with.empty()) return join(choice, gate);
        Cluster cluster;
        cluster.matrix = m;
        cluster.changed = m.mask();
        cluster.cost = alone;
        cluster.gates = {gate};
        append(std::move(cluster));
    }

    // A diagonal gate passes other diagonal ones: only dense clusters hold it up.
    void add_diagonal(const Matrix& m, int gate) {
        const double alone = slopes_ ? DIAGONAL_COST : m.qubits.size() == 1 ? 0.2 : 0.6;
        const Choice choice = best_choice(m, alone, last_dense_, false);
        if (!choice.with.empty()) return join(choice, gate);
        std::vector<Complex> diagonal;
        for (size_t k = 0; k < m.side(); ++k) diagonal.push_back(m.at[k * m.side() + k]);
        const bool phase = !slopes_ && m.qubits.size() <= 2 &&
                           std::none_of(diagonal.begin(), diagonal.end(), [](const Complex& x) {
                               return std::norm(x) < 1e-8;
                           });
        int after = -1;
        for (const int q : m.qubits) after = std::max(after, last_dense_[size_t(q)]);
        const int recent = std::max(after, int(list_.size()) - 513);
        for (int k = int(list_.size()) - 1; k > recent; --k) {
            Cluster& cluster = list_[size_t(k)];
            if (cluster.gone) continue;
            if (phase && cluster.kind == Cluster::PHASE) {
                add_to_phase(cluster, m.qubits, diagonal);
                touch(k);
                return;
            }
            const std::vector<int> qubits = joined(cluster.matrix.qubits, m.qubits);
            if (!phase && cluster.kind == Cluster::TABLE && qubits.size() <= (slopes_ ? 5 : TABLE_QUBITS)) {
                cluster.matrix = multiplied(cluster.matrix, m.qubits, diagonal, qubits);
                cluster.watched = cluster.matrix.mask();
                cluster.gates.push_back(gate);
                touch(k);
                return;
            }
        }
        Cluster cluster;
        cluster.cost = phase ? PHASE_COST : DIAGONAL_COST;
        if (phase) {
            cluster.kind = Cluster::PHASE;
            add_to_phase(cluster, m.qubits, diagonal);
        } else {
            cluster.kind = Cluster::TABLE;
            cluster.matrix = {m.qubits, diagonal};
            cluster.watched = m.mask();
            cluster.gates = {gate};
        }
        append(std::move(cluster));
    }

    static Matrix multiplied(const Matrix& table, const std::vector<int>& qubits,
                             const std::vector<Complex>& diagonal, const std::vector<int>& onto) {
        Matrix out{onto, {}};
        std::vector<int> first, second;
        for (const int q : table.qubits)
            first.push_back(int(std::lower_bound(onto.begin(), onto.end(), q) - onto.begin()));
        for (const int q : qubits)
            second.push_back(int(std::lower_bound(onto.begin(), onto.end(), q) - onto.begin()));
        for (size_t k = 0; k < out.side(); ++k)
            out.at.push_back(table.at[gathered(k, first)] * diagonal[gathered(k, second)]);
        return out;
    }

    void add_to_phase(Cluster& cluster, const std::vector<int>& qubits, const std::vector<Complex>& d) {
        scale_ *= d[0];
        const auto more = [](auto& factors, const auto& key, const Complex& by) {
            if (by == Complex(1)) return;
            const auto [at, fresh] = factors.try_emplace(key, by);
            if (!fresh) at->second *= by;
        };
        more(cluster.singles, qubits[0], d[1] / d[0]);
        if (qubits.size() == 2) {
            more(cluster.singles, qubits[1], d[2] / d[0]);
            more(cluster.pairs, std::pair{qubits[0], qubits[1]}, (d[3] * d[0]) / (d[1] * d[2]));
        }
        for (const int q : qubits) cluster.watched |= bit_of(q);
    }

    // Joins a dense cluster with the next one that touches it, where that pays.
    void join_neighbours() {
        for (bool changed = true; changed;) {
            changed = false;
            for (size_t k = 0; k < list_.size(); ++k) {
                if (list_[k].gone || list_[k].kind != Cluster::DENSE) continue;
                const uint64_t mask = list_[k].mask();
                size_t next = k + 1;
                while (next < list_.size() && next < k + 512 &&
                       (list_[next].gone || !(list_[next].mask() & mask)))
                    ++next;
                if (next >= list_.size() || next >= k + 512 || list_[next].kind != Cluster::DENSE) continue;
                const std::vector<int> qubits = joined(list_[k].matrix.qubits, list_[next].matrix.qubits);
                if (qubits.size() > limit()) continue;
                const Matrix sum =
                    product(widened(list_[next].matrix, qubits), widened(list_[k].matrix, qubits));
                const double together = cost(sum);
                if (together >= list_[k].cost + list_[next].cost) continue;
                std::vector<int> gates = list_[k].gates;
                gates.insert(gates.end(), list_[next].gates.begin(), list_[next].gates.end());
                list_[k].gone = true;
                list_[next].matrix = sum;
                list_[next].changed = sum.mask();
                list_[next].cost = together;
                list_[next].gates = gates;
                changed = true;
            }
        }
    }

    static Cluster finished(const Cluster& cluster) {
        if (cluster.kind == Cluster::DENSE) {
            if (!is_diagonal(cluster.matrix)) {
                Cluster out = with_controls_apart(cluster.matrix);
                out.cost = cluster.cost;
                return out;
            }
            Cluster out;
            out.kind = Cluster::TABLE;
            out.cost = DIAGONAL_COST;
            out.matrix.qubits = cluster.matrix.qubits;
            for (size_t k = 0; k < cluster.matrix.side(); ++k)
                out.matrix.at.push_back(cluster.matrix.at[k * cluster.matrix.side() + k]);
            out.watched = out.matrix.mask();
            return out;
        }
        if (cluster.kind == Cluster::TABLE || __builtin_popcountll(cluster.watched) > TABLE_QUBITS)
            return cluster;
        Cluster out;
        out.kind = Cluster::TABLE;
        out.cost = DIAGONAL_COST;
        out.watched = cluster.watched;
        for (uint64_t rest = cluster.watched; rest; rest &= rest - 1)
            out.matrix.qubits.push_back(__builtin_ctzll(rest));
        const std::vector<int>& on = out.matrix.qubits;
        const auto place = [&](int q) { return std::lower_bound(on.begin(), on.end(), q) - on.begin(); };
        for (size_t k = 0; k < out.matrix.side(); ++k) {
            Complex factor = 1;
            for (const auto& [q, by] : cluster.singles)
                if (k >> place(q) & 1) factor *= by;
            for (const auto& [pair, by] : cluster.pairs)
                if ((k >> place(pair.first) & 1) && (k >> place(pair.second) & 1)) factor *= by;
            out.matrix.at.push_back(factor);
        }
        return out;
    }

    // Multiplies some cluster by the factor of the whole state, rather one that is complex anyway.
    void put_scale(std::vector<Cluster>& out) const {
        const auto put = [&](Cluster& cluster) {
            for (Complex& x : cluster.matrix.at) x *= scale_;
        };
        for (Cluster& cluster : out)
            if (cluster.kind == Cluster::TABLE ||
                (cluster.kind == Cluster::DENSE && !cluster.watched && !is_real(cluster.matrix)))
                return put(cluster);
        for (Cluster& cluster : out)
            if (cluster.kind == Cluster::DENSE && !cluster.watched) return put(cluster);
        Cluster whole;
        whole.kind = Cluster::TABLE;
        whole.matrix = {{0}, {scale_, scale_}};
        whole.watched = 1;
        out.push_back(whole);
    }
};

}  // namespace qupel
