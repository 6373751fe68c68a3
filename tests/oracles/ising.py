"""Search on Ising models, slowly: energies, chains and walks from their definitions.

Couplings are dense and symmetric here. Random numbers follow the kernels' published streams, so
that a chain can be compared flip by flip.
"""

import numpy as np
from scipy.sparse.csgraph import connected_components

WORD = (1 << 64) - 1
HALF = (1 << 32) - 1


def energy(fields: np.ndarray, couplings: np.ndarray, spins: np.ndarray) -> float:
    return float(fields @ spins + 0.5 * spins @ couplings @ spins)


def flip_cost(fields: np.ndarray, couplings: np.ndarray, spins: np.ndarray, i: int) -> float:
    flipped = spins.copy()
    flipped[i] = -flipped[i]
    return energy(fields, couplings, flipped) - energy(fields, couplings, spins)


def draw(key: int, counter: int) -> int:
    """SplitMix64 at a place."""
    return scramble((key + (counter + 1) * 0x9E3779B97F4A7C15) & WORD)


def scramble(x: int) -> int:
    """SplitMix64's finaliser."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & WORD
    return x ^ (x >> 31)


def below(random: int, bound: int) -> int:
    return ((random >> 32) * bound) >> 32


def mix(x: int, key: int) -> int:
    """MurmurHash3's finaliser over a counter, keyed before and within."""
    x ^= key & HALF
    x = ((x ^ (x >> 16)) * 0x85EBCA6B) & HALF
    x = ((x ^ (x >> 13)) + (key >> 32)) & HALF
    x = (x * 0xC2B2AE35) & HALF
    return x ^ (x >> 16)


def exponential(word: int) -> float:
    """Exponential variate of the upper 24 bits of a word, by the logarithm itself."""
    return -float(np.log(((word >> 8) + 1) / 2**24))


def sweep(
    fields: np.ndarray,
    couplings: np.ndarray,
    spins: np.ndarray,
    temperature: float,
    key: int,
    groups: list[tuple[int, int]],
) -> np.ndarray:
    """One Metropolis sweep: free spins in order, then each group."""
    spins = spins.astype(float).copy()
    free = groups[0][0] if groups else spins.size
    for i in range(free):
        pay = temperature * exponential(mix(i, key))
        if flip_cost(fields, couplings, spins, i) <= pay:
            spins[i] = -spins[i]
    for begin, end in groups:
        ones = [i for i in range(begin, end) if spins[i] < 0]
        others = [i for i in range(begin, end) if spins[i] > 0]
        if not ones or not others:
            continue
        if min(len(ones), len(others)) == 1:
            spins = settle(fields, couplings, spins, temperature, draw(key, begin), begin, end)
            continue
        for t in range(end - begin):
            random = draw(key, begin + t)
            a, b = below(random, len(ones)), below(scramble(random), len(others))
            swapped = spins.copy()
            swapped[[ones[a], others[b]]] *= -1
            cost = energy(fields, couplings, swapped) - energy(fields, couplings, spins)
            if cost <= temperature * exponential(random & HALF):
                spins = swapped
                ones[a], others[b] = others[b], ones[a]
    return spins


def settle(
    fields: np.ndarray,
    couplings: np.ndarray,
    spins: np.ndarray,
    temperature: float,
    random: int,
    begin: int,
    end: int,
) -> np.ndarray:
    """Draw the place of a group's one odd spin from the Boltzmann distribution."""
    odd = 1.0 if (spins[begin:end] > 0).sum() == 1 else -1.0
    placed = []
    for place in range(begin, end):
        placed.append(spins.copy())
        placed[-1][begin:end] = -odd
        placed[-1][place] = odd
    energies = np.array([energy(fields, couplings, one) for one in placed])
    chances = np.cumsum(np.exp(-(energies - energies.min()) / temperature))
    return placed[int(np.searchsorted(chances, chances[-1] * ((random >> 11) + 1) / 2**53))]


def steepest(fields: np.ndarray, couplings: np.ndarray, spins: np.ndarray) -> np.ndarray:
    """Flip the spin of the lowest negative cost until there is none."""
    spins = spins.astype(float).copy()
    while True:
        costs = [flip_cost(fields, couplings, spins, i) for i in range(spins.size)]
        if min(costs) > -1e-9:
            return spins
        spins[int(np.argmin(costs))] *= -1


def tabu(
    fields: np.ndarray,
    couplings: np.ndarray,
    spins: np.ndarray,
    *,
    base: int,
    high: int,
    spread: int,
    moves: int,
    key: int,
) -> tuple[np.ndarray, float]:
    """Walk this many moves; the last spins and the best energy. Costs must differ."""
    spins = spins.astype(float).copy()
    until = np.zeros(spins.size)
    now = best = energy(fields, couplings, spins)
    for step in range(moves):
        costs = -2 * spins * (fields + couplings @ spins)
        allowed = (until <= step) | (now + costs < best - 1e-9)
        rest = base + (high - base) * (moves - step) // moves
        if allowed.any():
            i = int(np.argmin(np.where(allowed, costs, np.inf)))
            spins[i] *= -1
            until[i] = step + 1 + rest + below(draw(draw(key, step), i), spread)
            now = energy(fields, couplings, spins)
        best = min(best, now)
    return spins, best


def graft(
    fields: np.ndarray,
    couplings: np.ndarray,
    home: np.ndarray,
    guest: np.ndarray,
    groups: list[tuple[int, int]],
    *,
    mirror: bool,
) -> tuple[np.ndarray, int]:
    """Take each region in which the guest is no worse; what it leads to, and how many there are."""
    if mirror and (home == guest).sum() < home.size / 2:
        guest = -guest
    tied = couplings != 0
    for begin, end in groups:
        tied[begin:end, begin:end] = True
    differs = home != guest
    _, label = connected_components(tied & differs[:, None] & differs[None, :])
    regions = {int(k) for k in label[differs]}
    after = home.astype(float).copy()
    for region in regions:
        part = differs & (label == region)
        taken = np.where(part, guest, home)
        if energy(fields, couplings, taken) <= energy(fields, couplings, home.astype(float)):
            after[part] = guest[part]
    return after, len(regions)


def bifurcate(
    fields: np.ndarray,
    couplings: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    *,
    steps: int,
    step: float,
    strength: float,
    discrete: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Run simulated bifurcation by its equations, one column a run."""
    for t in range(steps):
        slack = 1 - t / (steps - 1)
        seen = np.where(x >= 0, 1.0, -1.0) if discrete else x
        y = y - step * (slack * x + strength * (fields[:, None] + couplings @ seen))
        x = x + step * y
        y = np.where(np.abs(x) > 1, 0.0, y)
        x = np.clip(x, -1, 1)
    return x, y


def xoroshiro(key: int, words: int) -> list[int]:
    """The first words of one stream of xoroshiro128++ for each of eight lanes, as bytes."""
    state = [[draw(key, k), draw(key, 8 + k)] for k in range(8)]
    out: list[int] = []
    for _ in range(words):
        for lane in state:
            a, b = lane
            total = (a + b) & WORD
            out.extend(((_rotated(total, 17) + a) & WORD).to_bytes(8, "little"))
            b ^= a
            lane[0] = _rotated(a, 49) ^ b ^ ((b << 21) & WORD)
            lane[1] = _rotated(b, 28)
    return out


def _rotated(x: int, by: int) -> int:
    return ((x << by) | (x >> (64 - by))) & WORD


def bundle_sweep(
    fields: np.ndarray,
    couplings: np.ndarray,
    spins: np.ndarray,
    temperatures: np.ndarray,
    key: int,
) -> np.ndarray:
    """One sweep of 64 rows, each at its temperature, at most 1024 spins; exact to 2^-48."""
    spins = spins.astype(float).copy()
    n = fields.size
    now = draw(key, 0)
    first, second = xoroshiro(now, n), xoroshiro(now ^ WORD, n)
    for i in range(n):
        for lane, temperature in enumerate(temperatures):
            cost = -2 * spins[lane, i] * (fields[i] + couplings[i] @ spins[lane])
            upper = first[64 * i + lane] << 8 | second[64 * i + lane]
            lower = draw(now, 64 * i + lane) >> 32
            if cost <= 0 or (upper << 32 | lower) < np.exp(-cost / temperature) * 2**48:
                spins[lane, i] = -spins[lane, i]
    return spins


def trotter(
    fields: np.ndarray,
    couplings: np.ndarray,
    *,
    temperature: float,
    transverse: float,
    slices: int,
) -> np.ndarray:
    """Probability of each configuration of one slice, by the transfer matrix in imaginary time."""
    n = fields.size
    codes = np.arange(1 << n)
    spins = 1.0 - 2.0 * (codes[:, None] >> np.arange(n) & 1)
    energies = np.array([energy(fields, couplings, row) for row in spins])
    heat = slices * temperature
    tie = -0.5 * np.log(np.tanh(transverse / heat))
    transfer = np.exp(-energies / heat)[:, None] * np.exp(tie * spins @ spins.T)
    weights = np.diag(np.linalg.matrix_power(transfer / transfer.max(), slices))
    return weights / weights.sum()
