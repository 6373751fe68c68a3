// Annealing and parallel tempering of a bundle.
#pragma once
#include "bundle.hpp"

namespace qupel {

// Keep the best lane, if it is better than what was kept.
inline void keep_lane(const Small& form, const Bundle& bundle, int8_t* best, double& least) {
    int lane = 0;
    for (int k = 1; k < kWidth; ++k)
        if (bundle.energies[k] < bundle.energies[lane]) lane = k;
    if (!(bundle.energies[lane] < least)) return;
    least = bundle.energies[lane];
    read_lane(form, bundle, lane, best);
}

// Sweeps under a falling temperature, one for all lanes. `place` may stand inside a sweep. The
// best is looked for in the last tenth of the sweeps: hot ones have nothing to keep.
inline void anneal(const Small& form, const Bundle& bundle, Place& place, const Cooling& cooling,
                   uint64_t key, int64_t budget, int8_t* best, double& least, Prices& prices,
                   uint64_t* fine) {
    prices.fine = fine;
    for (int64_t work = 0; place.sweep < cooling.sweeps && work < budget;) {
        prices.levels = thresholds(cooling.temperature(place.sweep), form.unit, fine);
        prices.put_all();
        work += 200;
        const uint64_t now = draw(key, uint64_t(place.sweep));
        while (place.position < form.n && work < budget) {
            const int64_t end = std::min(form.n, place.position + kSegment);
            sweep_spins(form, bundle, prices, now, place.position, end);
            work += price(form, place.position, end, prices.levels);
            place.position = end;
        }
        if (place.position < form.n) return;
        place.position = 0;
        ++place.sweep;
        if (10 * place.sweep < 9 * cooling.sweeps) continue;
        keep_lane(form, bundle, best, least);
        work += 60;
    }
}

// Two lanes trade the connected cluster around a random spin in which they differ; the sum of their
// energies stays (Houdayer 2001, doi:10.1007/PL00011151).
inline void trade_lanes(const Small& form, const Bundle& bundle, int a, int b, uint64_t key,
                        int32_t* queue, int32_t* taken) {
    const auto differ = [&](int64_t i) { return (bundle.down[i] >> a ^ bundle.down[i] >> b) & 1; };
    int64_t seed = below(key, form.n);
    for (int64_t tries = 0; !differ(seed); ++tries) {
        if (tries == form.n) return;
        seed = seed + 1 == form.n ? 0 : seed + 1;
    }
    int64_t head = 0, tail = 0;
    queue[tail++] = int32_t(seed);
    taken[seed] = 1;
    while (head < tail) {
        const int64_t i = queue[head++];
        for (int64_t e = form.starts[i]; e < form.starts[i + 1]; ++e) {
            const int32_t j = form.columns[e];
            if (taken[j] || !differ(j)) continue;
            taken[j] = 1;
            queue[tail++] = j;
        }
    }
    int64_t change[2] = {0, 0};
    for (int64_t t = 0; t < tail; ++t) {
        const int64_t i = queue[t];
        taken[i] = 0;
        for (const int side : {0, 1}) {
            const int lane = side ? b : a;
            const int spin = 1 - 2 * int(bundle.down[i] >> lane & 1);
            change[side] -= spin * (2 * bundle.local[i * kWidth + lane] + form.odd[i]);
            bundle.down[i] ^= 1ull << lane;
            for (int64_t e = form.starts[i]; e < form.starts[i + 1]; ++e)
                bundle.local[int64_t(form.columns[e]) * kWidth + lane] -= int8_t(spin * form.weights[e]);
        }
    }
    bundle.energies[a] += 2 * form.unit * double(change[0]);
    bundle.energies[b] += 2 * form.unit * double(change[1]);
}

struct Ladders {
    const double* temperatures;  // coldest first
    int32_t* at;                 // lane at each rung of each ladder
    int64_t* exchanges;          // made above each rung
    int64_t ladders, rungs;
    int64_t clustered, every;    // rungs at which clusters are traded, and the turns between

    int32_t& lane(int64_t ladder, int64_t rung) const { return at[ladder * rungs + rung]; }
};

// Turns of parallel tempering, a temperature to a lane: a sweep, then exchanges of neighbours and
// now and then of clusters between ladders. Lanes of no ladder stay at the hottest temperature.
inline void temper(const Small& form, const Bundle& bundle, Place& place, const Ladders& ladders,
                   uint64_t key, int64_t budget, int8_t* best, double& least, Prices& prices,
                   uint64_t* fine, int32_t* queue) {
    const int64_t ladder_lanes = ladders.ladders * ladders.rungs;
    prices.fine = fine;
    prices.levels = 0;
    for (int64_t r = 0; r < ladders.rungs; ++r)
        prices.levels = std::max(prices.levels, thresholds(ladders.temperatures[r], form.unit,
                                                           fine + r * 2 * kLevels));
    for (int lane = 0; lane < kWidth; ++lane) prices.put(lane, uint8_t(ladders.rungs - 1));
    for (int64_t slot = 0; slot < ladder_lanes; ++slot)
        prices.put(ladders.at[slot], uint8_t(slot % ladders.rungs));
    for (int64_t work = 0; work < budget;) {
        const uint64_t now = draw(key, uint64_t(place.sweep));
        while (place.position < form.n && work < budget) {
            const int64_t end = std::min(form.n, place.position + kSegment);
            sweep_spins(form, bundle, prices, now, place.position, end);
            work += price(form, place.position, end, prices.levels);
            place.position = end;
        }
        if (place.position < form.n) return;
        keep_lane(form, bundle, best, least);
        for (int64_t l = 0; l < ladders.ladders; ++l)
            exchange(bundle.energies, ladders.temperatures, ladders.at + l * ladders.rungs,
                     ladders.rungs, place.sweep, draw(~now, uint64_t(l)),
                     ladders.exchanges + l * ladders.rungs);
        for (int64_t slot = 0; slot < ladder_lanes; ++slot)
            if (prices.rung[ladders.at[slot]] != slot % ladders.rungs)
                prices.put(ladders.at[slot], uint8_t(slot % ladders.rungs));
        work += 400 + ladder_lanes * prices.levels;
        if (ladders.clustered && place.sweep % ladders.every == ladders.every - 1) {
            for (int64_t l = 0; l + 1 < ladders.ladders; l += 2)
                for (int64_t r = 0; r < ladders.clustered; ++r) {
                    trade_lanes(form, bundle, ladders.lane(l, r), ladders.lane(l + 1, r),
                                draw(now + ~key, uint64_t(l * ladders.rungs + r)), queue,
                                queue + form.n);
                    work += 6 * form.n + 2 * form.starts[form.n];
                }
            keep_lane(form, bundle, best, least);
        }
        place.position = 0;
        ++place.sweep;
    }
}

}  // namespace qupel
