// Costs in blocks of sixteen whose minima are kept: a change costs one block, the least of all one
// look at the minima.
#pragma once
#include "lanes.hpp"
#include "random.hpp"

namespace qupel {

template <class Real>
struct Blocks {
    using Reals = typename Wide<Real>::Type;
    Real* costs;    // a whole number of blocks, infinity where there is nothing to find
    Real* minima;   // one a block, padded with infinity to `width`, a multiple of sixteen
    int64_t width;

    static int64_t width_of(int64_t size) { return (size + 255) / 256 * kLanes; }

    QUPEL_INLINE static Real least_lane(const Reals& lanes) {
        const auto lower = __builtin_shufflevector(lanes, lanes, 0, 1, 2, 3, 4, 5, 6, 7);
        const auto upper = __builtin_shufflevector(lanes, lanes, 8, 9, 10, 11, 12, 13, 14, 15);
        const auto eight = lower < upper ? lower : upper;
        const auto half = __builtin_shufflevector(eight, eight, 4, 5, 6, 7, 0, 1, 2, 3);
        const auto four = eight < half ? eight : half;
        const auto quarter = __builtin_shufflevector(four, four, 2, 3, 0, 1, 6, 7, 4, 5);
        const auto two = four < quarter ? four : quarter;
        return std::min(two[0], two[1]);
    }

    // Whole vectors are stored: a vector load right after a narrower store would have to wait.
    QUPEL_INLINE static void put(Real* at, int lane, Real value, Reals& lanes) {
        const Ints index = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        load(lanes, at);
        const auto here = __builtin_convertvector(index == lane, decltype(lanes < lanes));
        lanes = here ? value - Reals{} : lanes;
        std::memcpy(at, &lanes, sizeof lanes);
    }

    QUPEL_INLINE void set(int64_t i, Real cost) {
        Reals lanes, above;
        put(costs + (i & ~int64_t(15)), int(i & 15), cost, lanes);
        const int64_t block = i >> 4;
        put(minima + (block & ~int64_t(15)), int(block & 15), least_lane(lanes), above);
    }

    QUPEL_INLINE Real least() const {
        Reals low, next;
        load(low, minima);
        for (int64_t b = kLanes; b < width; b += kLanes) {
            load(next, minima + b);
            low = next < low ? next : low;
        }
        return least_lane(low);
    }

    // A place of this cost, which there is: the first from a random place on, at each level.
    QUPEL_INLINE int64_t find(Real cost, uint64_t random) const {
        int64_t b = width == kLanes ? 0 : below(random, width / kLanes) * kLanes;
        while (!at(minima + b, cost)) b = b + kLanes == width ? 0 : b + kLanes;
        const int64_t block = b + first(at(minima + b, cost), random & 15);
        return block * kLanes + first(at(costs + block * kLanes, cost), random >> 4 & 15);
    }

    void build(int64_t size) {
        const int64_t blocks = (size + kLanes - 1) / kLanes;
        for (int64_t b = 0; b < width; ++b) {
            minima[b] = Real(INFINITY);
            if (b < blocks)
                for (int k = 0; k < kLanes; ++k)
                    minima[b] = std::min(minima[b], costs[b * kLanes + k]);
        }
    }

   private:
    QUPEL_INLINE static uint32_t at(const Real* from, Real cost) {
        Reals lanes;
        load(lanes, from);
        return mask_of(lanes == cost);
    }

    QUPEL_INLINE static int first(uint32_t mask, uint64_t from) {
        const uint32_t later = mask >> from << from;
        return __builtin_ctz(later ? later : mask);
    }
};

}  // namespace qupel
