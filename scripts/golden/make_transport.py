"""Optimal transport by SciPy: exact assignment, and Sinkhorn's plan in the logarithmic domain.

Writes tests/golden/transport.json: two sets of 40 points, the least mean squared distance by
scipy.optimize.linear_sum_assignment, and for some ε the cost of the entropic plan, by plain iterations with
scipy.special.logsumexp until rows and columns are right to 1e-12.
"""

import json
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

N = 40
ROOT = Path(__file__).resolve().parent.parent.parent


def sinkhorn(cost, eps):
    """The plan that minimises <P, cost> − ε H(P), its rows and columns 1/n."""
    n = len(cost)
    f, g, share = np.zeros(n), np.zeros(n), -np.log(n)
    for _ in range(200_000):
        f = eps * (share - logsumexp((g[None, :] - cost) / eps, axis=1))
        g = eps * (share - logsumexp((f[:, None] - cost) / eps, axis=0))
        plan = np.exp((f[:, None] + g[None, :] - cost) / eps)
        if np.abs(plan.sum(axis=1) - 1 / n).sum() < 1e-12:
            return plan
    raise SystemExit(f"no end at ε {eps}")


def main():
    generator = np.random.default_rng(7)
    a = generator.normal(size=(N, 2))
    angles = generator.integers(8, size=N) * np.pi / 4
    b = 1.4 * np.column_stack([np.cos(angles), np.sin(angles)]) + 0.1 * generator.normal(size=(N, 2))
    # As the program has them.
    a, b = (points.astype(np.float32).astype(np.float64) for points in (a, b))
    cost = cdist(a, b, "sqeuclidean")
    rows, columns = linear_sum_assignment(cost)
    plans = {eps: sinkhorn(cost, eps) for eps in (2.0, 0.5, 0.1, 0.03)}
    told = {
        "a": a.tolist(),
        "b": b.tolist(),
        "partners": columns.tolist(),
        "exact": cost[rows, columns].mean(),
        "entropic": [{"eps": eps, "cost": (plan * cost).sum(), "first_row": plan[0].tolist()} for eps, plan in plans.items()],
    }
    (ROOT / "tests/golden/transport.json").write_text(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
