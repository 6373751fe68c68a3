// Sorting clusters into passes: each pass takes the state through cache once, tile by tile.
//
// A pass has a window of qubits. A tile holds the amplitudes of all settings of the window, the
// other qubits fixed, so a cluster fits a pass if the qubits it changes are in the window; those
// it only watches may be anywhere.
#pragma once

#include "cluster.hpp"

namespace qupel {

struct Pass {
    uint64_t window = 0;
    std::vector<const Cluster*> clusters;
};

struct Tiling {
    int qubits;  // of the state
    int tile;    // of a tile
    int low;     // lowest qubits that are in every window, so that memory is read in runs
};

class Passes {
public:
    Passes(const std::vector<Cluster>& clusters, const Tiling& tiling)
        : clusters_(clusters), tiling_(tiling), taken_(clusters.size(), 0) {}

    std::vector<Pass> all() {
        std::vector<Pass> out;
        const uint64_t low = bit_of(std::min(tiling_.low, tiling_.qubits)) - 1;
        while (first_ < clusters_.size()) {
            std::vector<size_t> best, found;
            uint64_t best_window = 0;
            double most = -1;
            const auto attempt = [&](uint64_t start) {
                uint64_t window = start;
                const double work = fill(window, found);
                if (work <= most * (1 + 1e-12)) return;
                most = work;
                best_window = window;
                std::swap(best, found);
            };
            attempt(low);
            if (tiling_.qubits > tiling_.tile) {
                const int span = tiling_.tile - tiling_.low;
                for (int from = tiling_.low; from + span <= tiling_.qubits; ++from)
                    attempt(low | ((bit_of(span) - 1) << from));
            }
            Pass pass{best_window, {}};
            for (int q = 0; q < tiling_.qubits && __builtin_popcountll(pass.window) < tiling_.tile; ++q)
                pass.window |= bit_of(q);
            for (const size_t k : best) {
                pass.clusters.push_back(&clusters_[k]);
                taken_[k] = 1;
            }
            while (first_ < clusters_.size() && taken_[first_]) ++first_;
            out.push_back(pass);
        }
        return out;
    }

private:
    const std::vector<Cluster>& clusters_;
    Tiling tiling_;
    std::vector<char> taken_;
    size_t first_ = 0;

    // Takes clusters in order as long as they fit; returns their cost. `window` grows up to a tile.
    double fill(uint64_t& window, std::vector<size_t>& found) const {
        found.clear();
        double work = 0;
        uint64_t held = 0, watched = 0;  // qubits that clusters left out change, or watch
        const uint64_t every = tiling_.qubits == 64 ? ~uint64_t{0} : bit_of(tiling_.qubits) - 1;
        for (size_t k = first_; k < clusters_.size() && held != every; ++k) {
            if (taken_[k]) continue;
            const Cluster& cluster = clusters_[k];
            const bool free = !(cluster.changed & (held | watched)) && !(cluster.watched & held);
            if (free && __builtin_popcountll(window | cluster.changed) <= tiling_.tile) {
                window |= cluster.changed;
                found.push_back(k);
                work += cluster.cost;
            } else {
                held |= cluster.changed;
                watched |= cluster.watched;
            }
        }
        return work;
    }
};

}  // namespace qupel
