// Simulated bifurcation, a block of lanes side by side.
//
// Goto et al. 2021 (doi:10.1126/sciadv.abe7953), ballistic and discrete: oscillators x, y with
// inelastic walls at |x| = 1, a(t) rising linearly from 0 to a0 = 1. Their energy has the opposite
// sign of ours. Fields act like couplings to a fixed spin. Group sums are drawn to their quota.
#pragma once
#include "form.hpp"

namespace qupel {

constexpr int kBlock = 16;  // oscillators of one spin in one block, one for each run

struct Pump {
    float step, strength, pull;  // time step, c0, weight of quotas
    int64_t steps;
};

template <class Real>
QUPEL_INLINE void bifurcate(const Form<Real>& form, const int64_t* counts, float* x, float* y,
                            float* seen, int64_t from, int64_t until, const Pump& pump,
                            bool discrete) {
    for (int64_t t = from; t < until; ++t) {
        const float slack = 1.0f - float(t) / float(pump.steps > 1 ? pump.steps - 1 : 1);
        for (int64_t i = 0; i < form.n * kBlock; ++i)
            seen[i] = discrete ? (x[i] >= 0 ? 1.0f : -1.0f) : x[i];
        for (int64_t i = 0; i < form.n; ++i) {
            float force[kBlock];
            for (int k = 0; k < kBlock; ++k) force[k] = float(form.fields[i]);
            for (int64_t e = form.starts[i]; e < form.starts[i + 1]; ++e) {
                const float* other = seen + int64_t(form.columns[e]) * kBlock;
                const float weight = float(form.weights[e]);
                for (int k = 0; k < kBlock; ++k) force[k] += weight * other[k];
            }
            float* momentum = y + i * kBlock;
            const float* place = x + i * kBlock;
            for (int k = 0; k < kBlock; ++k)
                momentum[k] -= pump.step * (slack * place[k] + pump.strength * force[k]);
        }
        for (int64_t g = 0; g < form.groups; ++g) {
            const int64_t begin = form.edges[g], end = form.edges[g + 1];
            float excess[kBlock];
            for (int k = 0; k < kBlock; ++k) excess[k] = -float(end - begin - 2 * counts[g]);
            for (int64_t i = begin; i < end; ++i)
                for (int k = 0; k < kBlock; ++k) excess[k] += seen[i * kBlock + k];
            for (int64_t i = begin; i < end; ++i)
                for (int k = 0; k < kBlock; ++k)
                    y[i * kBlock + k] -= pump.step * pump.pull * excess[k];
        }
        for (int64_t i = 0; i < form.n * kBlock; ++i) {
            const float moved = x[i] + pump.step * y[i];
            const bool hit = moved > 1.0f || moved < -1.0f;
            x[i] = moved > 1.0f ? 1.0f : (moved < -1.0f ? -1.0f : moved);
            y[i] = hit ? 0.0f : y[i];
        }
    }
}

}  // namespace qupel
