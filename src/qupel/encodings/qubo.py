"""Models to QUBOs: integers in bits, constraints as quotas, penalties and slack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from qupel.encodings.codes import Code, Coded
from qupel.encodings.encoded import Affine, Encoded, Penalty, Report, Same, Size
from qupel.encodings.penalty import prices
from qupel.encodings.rows import Rows, quota_rows, stacked, whole_rows
from qupel.encodings.shapes import Pairs, exclusions, reachable
from qupel.errors import InputError
from qupel.model.model import Model
from qupel.model.qubo import Qubo
from qupel.model.quota import Quota


def model_to_qubo(
    model: Model,
    *,
    keep_quotas: bool = True,
    integers: Code = "binary",
    slack: Code | None = None,
    largest_coefficient: int = 8,
    resolution: float | None = None,
) -> Encoded[Qubo]:
    """Write a model as a QUBO whose optimum is the model's.

    Parameters
    ----------
    model
        Bounded integer variables, quadratic objective, linear constraints.
    keep_quotas
        Whether constraints "exactly k of these bits", and one-hot codes, stay quotas of the
        QUBO. They do where they are disjoint, the largest first; else they cost a penalty.
    integers
        How integers are spelled; see `qupel.encodings.codes.weights`.
    slack
        How slack is spelled; like ``integers`` unless given.
    largest_coefficient
        For the code ``bounded``.
    resolution
        Coefficients that are no fractions with small denominators are rounded to multiples of
        this; without it they are refused.

    Raises
    ------
    InputError
        If a constraint cannot be written in whole numbers, or cannot be kept at all.
    """
    coded = Coded.of(model.lower, model.upper, integers, largest_coefficient)
    weights, offset = _objective(model, coded)
    rows, rounded = whole_rows(
        model.rows,
        model.row_lower - model.rows @ model.lower,
        model.row_upper - model.rows @ model.lower,
        model.row_names,
        model.upper - model.lower,
        resolution,
    )
    open_rows = rows.some((rows.low > rows.least) | (rows.high < rows.most))
    spelled = sparse.csr_array(open_rows.matrix @ coded.matrix.T)
    spelled.eliminate_zeros()
    spelled.sort_indices()
    over_bits = Rows(
        spelled, open_rows.low, open_rows.high, open_rows.least, open_rows.most, open_rows.names
    )
    codes, owners, groups = _code_rows(coded)
    codes = _named(codes, [model.names[i] for i in owners.tolist()])
    if keep_quotas:
        quotas, left = _claim(over_bits, groups)
    else:
        one_hot = quota_rows(groups, weights.shape[0])
        names = [model.names[i] for i in coded.wide.tolist()] if groups else []
        quotas, left = (), stacked([over_bits, _named(one_hot, names)])
    built = penalised(
        weights,
        offset,
        stacked([left, codes]),
        quotas,
        slack=slack or integers,
        largest=largest_coefficient,
        keep_quotas=keep_quotas,
    )
    slack_bits = built.qubo.variables - weights.shape[0]
    padded = sparse.vstack([coded.matrix, sparse.csr_array((slack_bits, model.variables))])
    back = Affine(sparse.csr_array(padded.astype(np.int64)), model.lower, model.lower, model.upper)
    notes = (
        (f"rounded to multiples of {resolution:g}: {', '.join(rounded[:5])}",) if rounded else ()
    )
    report = Report(
        Size.of(model),
        Size.of(built.qubo),
        slack_bits=slack_bits,
        removed=int((model.lower == model.upper).sum()),
        dropped_rows=len(rows) - len(open_rows),
        penalties=built.penalties,
        exact=not rounded and built.exact,
        notes=notes + built.notes,
    )
    forth = Spelled(coded, built.slack_rows, built.slack)
    return Encoded(built.qubo, back, forth, report)


def without_quotas(qubo: Qubo) -> Encoded[Qubo]:
    """Turn the quotas of ``qubo`` into penalties."""
    rows = quota_rows(qubo.quotas, qubo.variables)
    rows = rows.some((rows.low > rows.least) | (rows.high < rows.most))
    built = penalised(qubo.weights, qubo.offset, rows, (), slack="binary")
    report = Report(
        Size.of(qubo),
        Size.of(built.qubo),
        dropped_rows=len(qubo.quotas) - len(rows),
        penalties=built.penalties,
        exact=built.exact,
        notes=built.notes,
    )
    return Encoded(built.qubo, Same(), Same(), report)


@dataclass(frozen=True, slots=True, eq=False)
class Penalised:
    """A QUBO with its constraints built in.

    Attributes
    ----------
    qubo
        Over the bits given, followed by slack bits.
    slack_rows
        Rows whose distance below their upper limit the slack measures.
    slack
        How the slack is spelled.
    penalties, exact, notes
        For the report.
    """

    qubo: Qubo
    slack_rows: Rows
    slack: Coded
    penalties: tuple[Penalty, ...]
    exact: bool
    notes: tuple[str, ...]


def penalised(
    weights: sparse.csr_array,
    offset: float,
    rows: Rows,
    quotas: Sequence[Quota],
    *,
    slack: Code,
    largest: int = 8,
    keep_quotas: bool = True,
) -> Penalised:
    """Add a penalty for each row to the energy of bits that keep ``quotas``."""
    if not len(rows):
        nothing = np.zeros(0, np.int64)
        unslack = Coded.of(nothing, nothing, slack, largest)
        return Penalised(Qubo(weights, offset, quotas), rows, unslack, (), True, ())
    shaped = _shape(rows)
    measured = np.flatnonzero(shaped.kinds == "slack")
    spans = (shaped.rows.high - shaped.rows.low)[measured]
    coded = Coded.of(np.zeros_like(spans), spans, slack, largest)
    bits, extra = weights.shape[0], coded.matrix.shape[0]
    two_sided = (shaped.rows.low > shaped.rows.least) & (shaped.rows.high < shaped.rows.most)
    price = prices(
        weights,
        shaped.rows,
        quotas,
        by_pairs=shaped.kinds == "pairs",
        breakable=(shaped.kinds == "slack") & two_sided & (slack in {"one-hot", "domain-wall"}),
    )

    codes, serves, groups = _code_rows(coded)
    slack_quotas = [Quota(tuple(i + bits for i in g.members), g.count) for g in groups]
    if not keep_quotas and groups:
        codes, serves = quota_rows(groups, extra), coded.wide
        slack_quotas = []
    # A slack's code costs as much as the row that it serves.
    code_price = price.weights[measured[serves]]

    squares = shaped.kinds != "pairs"
    link = sparse.csr_array(
        (np.ones(measured.size), (measured, np.arange(measured.size))),
        shape=(len(shaped.rows), measured.size),
    )
    top = sparse.hstack([shaped.rows.matrix, link @ coded.matrix.T])
    bottom = sparse.hstack([sparse.csr_array((len(codes), bits)), codes.matrix])
    matrix = sparse.csr_array(sparse.vstack([sparse.csr_array(top)[squares], bottom]), dtype=float)
    first = np.where(shaped.kinds == "product", shaped.rows.low, shaped.rows.high)
    alpha = -np.r_[first[squares], codes.low].astype(np.float64)
    beta = -np.r_[shaped.rows.high[squares], codes.high].astype(np.float64)
    # (s - u)(s - v) / (1 + v - u) is at least t for a violation by t, like a square.
    share = np.r_[price.weights[squares], code_price] / (1.0 + alpha - beta)
    energy, constant = _squares(matrix, alpha, beta, share)
    pairs, more = _pairs(shaped, price.weights, bits + extra)
    padded = sparse.csr_array(
        (weights.data, weights.indices, np.r_[weights.indptr, [weights.nnz] * extra]),
        shape=(bits + extra, bits + extra),
    )
    whole = padded + energy + pairs if pairs.nnz else padded + energy
    total = Qubo(whole, offset + constant + more, (*quotas, *slack_quotas))
    penalties = [
        Penalty(*each)
        for each in zip(
            shaped.rows.names,
            shaped.kinds.tolist(),
            price.weights.tolist(),
            price.bounds.tolist(),
            price.sources,
            strict=True,
        )
    ]
    exact, notes = _precision(total, weights)
    return Penalised(total, shaped.rows.some(measured), coded, tuple(penalties), exact, notes)


@dataclass(frozen=True, slots=True, eq=False)
class Spelled:
    """Values of a model to bits of its QUBO, slack chosen to fit.

    Attributes
    ----------
    coded
        How the model's variables are spelled.
    rows
        Rows over bits that have slack.
    slack
        How the slack of each row is spelled.
    """

    coded: Coded
    rows: Rows
    slack: Coded

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Rows of bits."""
        inside = np.clip(np.asarray(values, np.int64), self.coded.lower, self.coded.upper)
        bits = self.coded.spell(inside)
        gaps = self.rows.high - bits.astype(np.int64) @ self.rows.matrix.T
        fitting = np.clip(gaps, 0, self.rows.high - self.rows.low)
        return np.hstack([bits, self.slack.spell(fitting)])


def _objective(model: Model, coded: Coded) -> tuple[sparse.csr_array, float]:
    """Objective over bits: upper triangular weights and offset."""
    to_bits = coded.matrix.astype(np.float64)
    base = model.lower.astype(np.float64)
    both = model.quadratic + model.quadratic.T
    linear = to_bits @ (model.linear + both @ base)
    offset = model.offset + float(model.linear @ base + base @ (model.quadratic @ base))
    if not model.quadratic.nnz:
        return sparse.csr_array(sparse.diags_array(linear)), offset
    square = (to_bits @ model.quadratic @ to_bits.T).tocoo()
    i, j = square.coords
    data = square.data
    if coded.code == "one-hot":
        # Two bits of one code are never both set, so their product needs no coefficient.
        owner = np.repeat(np.arange(coded.lower.size), np.diff(coded.starts))
        kept = (owner[i] != owner[j]) | (i == j)
        i, j, data = i[kept], j[kept], data[kept]
    upper = sparse.coo_array((data, (np.minimum(i, j), np.maximum(i, j))), shape=square.shape)
    return sparse.csr_array(upper.tocsr() + sparse.diags_array(linear)), offset


def _code_rows(coded: Coded) -> tuple[Rows, np.ndarray, tuple[Quota, ...]]:
    """What valid codes keep: rows for domain walls, with their integers; quotas for one-hot."""
    bits = coded.matrix.shape[0]
    nothing = np.zeros(0, np.int64)
    wide = coded.wide
    if coded.code == "one-hot":
        spans = zip(coded.starts[wide].tolist(), coded.starts[wide + 1].tolist(), strict=True)
        return quota_rows((), bits), nothing, tuple(Quota(tuple(range(a, b)), 1) for a, b in spans)
    if coded.code != "domain-wall" or not wide.size:
        return quota_rows((), bits), nothing, ()
    owner = np.repeat(np.arange(coded.lower.size), np.diff(coded.starts))
    firsts = np.flatnonzero(owner[:-1] == owner[1:])
    ends = np.stack([firsts, firsts + 1], axis=1).reshape(-1)
    signs = np.tile(np.array([-1, 1], np.int64), firsts.size)
    starts = np.arange(0, 2 * firsts.size + 1, 2)
    matrix = sparse.csr_array((signs, ends, starts), shape=(firsts.size, bits))
    ones = np.ones(firsts.size, np.int64)
    names = tuple(f"wall[{k}]" for k in range(firsts.size))
    return Rows(matrix, -ones, 0 * ones, -ones, ones, names), owner[firsts], ()


def _named(rows: Rows, names: Sequence[str]) -> Rows:
    return Rows(rows.matrix, rows.low, rows.high, rows.least, rows.most, tuple(names))


def _claim(rows: Rows, taken: Sequence[Quota]) -> tuple[tuple[Quota, ...], Rows]:
    """Take disjoint "exactly k of these" rows as quotas, the largest first; the rest stays."""
    sizes = np.diff(rows.matrix.indptr)
    owner = np.repeat(np.arange(len(rows)), sizes)
    ones = np.bincount(owner, rows.matrix.data == 1, len(rows)) == sizes
    minus = np.bincount(owner, rows.matrix.data == -1, len(rows)) == sizes
    fitting = np.flatnonzero((rows.low == rows.high) & (ones | minus) & (sizes > 0))
    free = np.ones(rows.matrix.shape[1], dtype=bool)
    for quota in taken:
        free[list(quota.members)] = False
    quotas = list(taken)
    left = np.ones(len(rows), dtype=bool)
    for k in fitting[np.argsort(-sizes[fitting], kind="stable")].tolist():
        members = rows.matrix.indices[rows.matrix.indptr[k] : rows.matrix.indptr[k + 1]]
        if free[members].all():
            free[members] = False
            left[k] = False
            quotas.append(Quota(tuple(sorted(members.tolist())), abs(int(rows.high[k]))))
    return tuple(quotas), rows.some(left)


@dataclass(frozen=True, slots=True, eq=False)
class _Shaped:
    rows: Rows
    kinds: np.ndarray
    pairs: dict[int, Pairs]


def _shape(rows: Rows) -> _Shaped:
    """Choose the shape of each row's penalty, and cut its limits to what bits can reach."""
    low, high = rows.low.copy(), rows.high.copy()
    data = rows.matrix.data.copy()
    kinds = np.full(len(rows), "slack", dtype="<U7")
    kinds[high - low == 1] = "product"
    kinds[high == low] = "square"
    least, most = rows.least.copy(), rows.most.copy()
    pairs: dict[int, Pairs] = {}
    for k in np.flatnonzero(kinds == "slack").tolist():
        held = slice(rows.matrix.indptr[k], rows.matrix.indptr[k + 1])
        if high[k] >= most[k]:  # at least: turn it into at most
            data[held] *= -1
            low[k], high[k] = -high[k], -low[k]
            least[k], most[k] = -most[k], -least[k]
        row = data[held]
        if (np.abs(row) == 1).all():
            continue
        found = exclusions(row, int(high[k])) if low[k] <= least[k] else None
        if found is not None:
            pairs[k], kinds[k] = found, "pairs"
            continue
        low[k], high[k], count = reachable(row, int(low[k]), int(high[k]))
        if count == 0:
            raise InputError(
                f"constraint {rows.names[k]!r} cannot be kept by any values within bounds; relax it"
            )
        if count in {1, 2}:
            kinds[k] = "square" if count == 1 else "product"
    matrix = sparse.csr_array((data, rows.matrix.indices, rows.matrix.indptr), rows.matrix.shape)
    return _Shaped(Rows(matrix, low, high, least, most, rows.names), kinds, pairs)


def _squares(
    matrix: sparse.csr_array, alpha: np.ndarray, beta: np.ndarray, share: np.ndarray
) -> tuple[sparse.csr_array, float]:
    """``sum share * (matrix @ x + alpha) * (matrix @ x + beta)``: weights and constant."""
    scaled = sparse.diags_array(share) @ matrix
    constant = float(share @ (alpha * beta))
    if _is_wide(matrix):
        return _upper_square(matrix, share, scaled.T @ (alpha + beta)), constant
    full = sparse.csr_array(matrix.T @ scaled)
    linear = full.diagonal() + scaled.T @ (alpha + beta)
    return sparse.csr_array(_twice_above(full) + sparse.diags_array(linear)), constant


def _twice_above(square: sparse.csr_array) -> sparse.csr_array:
    """Twice the entries above the diagonal."""
    square.sort_indices()
    bits = square.shape[0]
    above = square.indices > np.repeat(np.arange(bits), np.diff(square.indptr))
    starts = np.concatenate([[0], np.cumsum(above, dtype=square.indptr.dtype)])[square.indptr]
    parts: Any = (2.0 * square.data[above], square.indices[above], starts)
    return sparse.csr_array(parts, shape=square.shape)


def _is_wide(matrix: sparse.csr_array) -> bool:
    """Whether most rows hold most variables, so that their squares fill the upper triangle."""
    rows, bits = matrix.shape
    return bool(0 < rows <= 64 and bits >= 512 and matrix.nnz >= 0.5 * rows * bits)


def _upper_square(
    matrix: sparse.csr_array, share: np.ndarray, linear: np.ndarray
) -> sparse.csr_array:
    """``_squares`` where the upper triangle is full: one row of it after the other.

    Products are added up row by row of ``matrix``, as a sparse product would.
    """
    held = matrix.toarray()
    scaled = share[:, None] * held
    bits = held.shape[1]
    lengths = np.arange(bits, 0, -1)
    entries = int(lengths.sum())
    index = np.int32 if entries < 2**31 else np.int64
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(index)
    every = np.arange(bits, dtype=index)
    data, columns = np.zeros(entries, np.float64), np.empty(entries, index)
    for bit, (start, stop) in enumerate(pairwise(starts.tolist())):
        columns[start:stop] = every[bit:]
        square = data[start:stop]
        for row, factor in zip(held[:, bit].tolist(), scaled, strict=True):
            if row:
                square += row * factor[bit:]
        square[1:] *= 2.0
        square[0] += linear[bit]
    parts: Any = (data, columns, starts)
    upper = sparse.csr_array(parts, shape=(bits, bits))
    upper.has_canonical_format = True
    upper.eliminate_zeros()
    return upper


def _pairs(shaped: _Shaped, weights: np.ndarray, bits: int) -> tuple[sparse.csr_array, float]:
    """``weight * sum of excluded pairs`` of literals: weights and constant."""
    if not shaped.pairs:
        return sparse.csr_array((bits, bits)), 0.0
    parts = []
    for k, pairs in shaped.pairs.items():
        held = shaped.rows.matrix.indices[
            shaped.rows.matrix.indptr[k] : shaped.rows.matrix.indptr[k + 1]
        ]
        i, j = held[pairs.first], held[pairs.second]
        parts.append((i, j, pairs.negated[pairs.first], pairs.negated[pairs.second], weights[k]))
    i = np.concatenate([part[0] for part in parts])
    j = np.concatenate([part[1] for part in parts])
    # A literal is base + slope * bit.
    base_i, base_j = (np.concatenate([part[p] for part in parts]).astype(float) for p in (2, 3))
    weight = np.repeat([part[4] for part in parts], [part[0].size for part in parts])
    alone = i == j
    base_j = np.where(alone, 1.0, base_j)
    slope_i, slope_j = 1.0 - 2.0 * base_i, np.where(alone, 0.0, 1.0 - 2.0 * base_j)
    rows = np.r_[np.minimum(i, j), i, j]
    columns = np.r_[np.maximum(i, j), i, j]
    data = np.r_[weight * slope_i * slope_j, weight * slope_i * base_j, weight * base_i * slope_j]
    matrix = sparse.csr_array((data, (rows, columns)), shape=(bits, bits))
    return matrix, float((weight * base_i * base_j).sum())


def _precision(qubo: Qubo, objective: sparse.csr_array) -> tuple[bool, tuple[str, ...]]:
    """Whether rounding errors of energies stay below the objective's finest part, and a note."""
    sizes, finest = np.abs(qubo.weights.data), np.abs(objective.data)
    if not sizes.size:
        return True, ()
    digits = float(np.log2(sizes.max() / sizes.min()))
    error = (sizes.sum() + abs(qubo.offset)) * 2.0**-52
    note = f"coefficients span {digits:.1f} binary digits"
    if error < finest.min(initial=np.inf):
        return True, (note,)
    return False, (
        note,
        f"energies are sums of up to {sizes.sum():.2g} whose rounding errors of {error:.2g} exceed "
        f"the objective's least coefficient {finest.min():.2g}; scale or tighten the model",
    )
