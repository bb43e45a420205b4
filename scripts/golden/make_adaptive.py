"""Writes tests/golden/adaptive.json: the probability-flow ODE by SciPy's RK45 and RK23, to compare our adaptive methods with.

The data are two Gaussians of width 0.3 at -1 and 1 on each axis, whose E[x_0 | x] is a closed form. The schedule is flow matching,
a = 1 - tau and s = tau, so that the time at which the clock shows zeta is a closed form as well. What is integrated over u = ln(zeta) is
dw/dzeta = cos(zeta) eps - sin(zeta) x_0 from tau = 1 to tau = 1/T, for w = x / sqrt(a^2 + s^2). A step becomes at most twice as long as
the one before, which is ours: SciPy allows ten times. The first one that is tried is 0.2 long, and none longer than 1.

Per run: SciPy's method, T, the tolerance (relative and absolute alike), the start x of two coordinates, u after every accepted step,
how often the slope was asked for, and x at the end.
"""

import json
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp
from scipy.integrate._ivp import rk

OUT = Path(__file__).resolve().parents[2] / "tests" / "golden" / "adaptive.json"
WIDTH = 0.3


def scales(zeta):
    """a and s where the clock shows zeta."""
    tau = np.sin(zeta) / (np.sin(zeta) + np.cos(zeta))
    return 1 - tau, tau


def denoised(a, s, x):
    """E[x_0 | x]."""
    variance = a**2 * WIDTH**2 + s**2
    shrink = a * WIDTH**2 / variance
    return shrink * x + (1 - a * shrink) * np.tanh(a * x / variance)


def slope(u, w):
    """dw/du."""
    zeta = np.exp(u)
    a, s = scales(zeta)
    x = np.hypot(a, s) * w
    x_0 = denoised(a, s, x)
    return zeta * (np.cos(zeta) * (x - a * x_0) / s - np.sin(zeta) * x_0)


def main():
    rk.MAX_FACTOR = 2
    runs = []
    for timesteps in (10, 1000):
        first, last = np.log(np.pi / 2), np.log(np.arctan2(1 / timesteps, 1 - 1 / timesteps))
        for method in ("RK45", "RK23"):
            for tolerance in (1e-2, 1e-4, 1e-6):
                for start in ([-1.7, -0.4], [0.05, 1.1], [2.5, 0.0]):
                    run = solve_ivp(slope, (first, last), start, method=method, rtol=tolerance, atol=tolerance, first_step=0.2, max_step=1.0)
                    a, s = scales(np.exp(last))
                    runs.append(
                        dict(
                            method=method,
                            timesteps=timesteps,
                            tolerance=tolerance,
                            start=start,
                            u=run.t.tolist(),
                            evaluations=int(run.nfev),
                            end=(np.hypot(a, s) * run.y[:, -1]).tolist(),
                        )
                    )
    OUT.write_text(json.dumps(runs) + "\n")


if __name__ == "__main__":
    main()
