"""Trains, samples and measures in PyTorch: the distances that the lab's own runs are held against.

One run: draw a finite training set, train the noise predictor, sample 2048 points from the EMA
weights by DDPM ancestral sampling over all T steps, and report the exact 2-Wasserstein distance to
2048 fresh data points. `floor` is the same distance between two fresh draws of the data (mean of
three): no sampler can be expected to stay below it.

Both are noisy: 2048 points that happen to lie a little more to one side cost as much as a visible
error, so one unlucky set of fresh points can double a distance. Hence `w2_mean`, the mean over eight
fresh sets, and `data_against_data`, the spread of 32 floors: compare with those.

Each run prints one JSON line. With --out the rows are also kept in a JSON file, which is rewritten
after every run; runs already in it are skipped.
"""

import argparse
import itertools
import json
import os
import platform
from pathlib import Path

import numpy as np
import scipy
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

import model

T = 1000
TRAIN_POINTS = 8192
SAMPLES = 2048
FRESH_SETS = 8
FLOOR_DRAWS = 3
SPREAD_DRAWS = 32
CLIP = 1.1
LOSS_WINDOW = 250
KEY = ("data", "schedule", "steps", "batch", "seed", "width", "depth")

SETTINGS = {
    "T": T,
    "target": "eps",
    "octaves": 3,
    "activation": "silu",
    "adam": {"lr": 3e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    "ema": "min(0.999, (1 + n) / (10 + n))",
    "train_points": TRAIN_POINTS,
    "sampler": "DDPM ancestral, T steps, variance beta-tilde, EMA weights",
    "clip_x0": f"bounding box of the training set x {CLIP} about its centre",
    "samples": SAMPLES,
    "distance": "exact 2-Wasserstein: sqrt of the least mean squared distance over assignments",
    "w2": "against one fresh set; w2_mean is the mean of w2s, which holds w2 and seven more",
    "floor": f"the same distance, data against data, mean of {FLOOR_DRAWS} draws",
    "loss": f"mean training loss of the last {LOSS_WINDOW} steps",
}


def wasserstein2(a, b):
    cost = cdist(a.double().numpy(), b.double().numpy(), "sqeuclidean")
    rows, columns = linear_sum_assignment(cost)
    return float(np.sqrt(cost[rows, columns].mean()))


def train(net, points, alpha_bar, steps, batch, generator):
    """Trains `net`, leaves the EMA weights in it, and returns the mean loss of the last steps."""
    a, s = alpha_bar.sqrt().float()[:, None], (1 - alpha_bar).sqrt().float()[:, None]
    embedding = model.time_embedding(torch.arange(T + 1), T, torch.float64).float()
    adam, ema, recent = model.make_adam(net), model.Ema(net), 0.0
    for step in range(steps):
        x0 = points[torch.randint(len(points), (batch,), generator=generator)]
        t = torch.randint(1, T + 1, (batch,), generator=generator)
        eps = torch.randn(batch, 2, generator=generator)
        x = a[t] * x0 + s[t] * eps
        inputs = torch.cat([model.coordinate_features(x, SETTINGS["octaves"]), embedding[t]], dim=1)
        loss = F.mse_loss(net(inputs), eps)
        adam.zero_grad()
        loss.backward()
        adam.step()
        ema.update()
        if step >= steps - LOSS_WINDOW:
            recent += loss.item()
    ema.copy_to(net)
    return recent / min(steps, LOSS_WINDOW)


@torch.no_grad()
def sample(net, alpha_bar, box, n, generator):
    """DDPM ancestral sampling (Ho et al. 2020, algorithm 2), through the posterior of the clipped x0."""
    ab, ab_prev = alpha_bar[1:], alpha_bar[:-1]  # entry t - 1 belongs to step t
    beta = 1 - ab / ab_prev
    c_0 = (ab_prev.sqrt() * beta / (1 - ab)).tolist()
    c_x = ((1 - beta).sqrt() * (1 - ab_prev) / (1 - ab)).tolist()
    c_z = (beta * (1 - ab_prev) / (1 - ab)).sqrt().tolist()  # 0 at t = 1
    a, s = ab.sqrt().tolist(), (1 - ab).sqrt().tolist()
    embedding = model.time_embedding(torch.arange(1, T + 1), T, torch.float64).float()

    x = torch.randn(n, 2, generator=generator)
    for i in reversed(range(T)):
        inputs = torch.cat([model.coordinate_features(x, SETTINGS["octaves"]), embedding[i].expand(n, -1)], dim=1)
        x0 = ((x - s[i] * net(inputs)) / a[i]).clamp(box[0], box[1])
        x = c_x[i] * x + c_0[i] * x0 + c_z[i] * torch.randn(n, 2, generator=generator)
    return x


def run(data, schedule, steps, batch, seed, width, depth):
    """One row. The data, the training, the sampling, the measuring and the weights draw from streams of their own."""
    generators = [torch.Generator().manual_seed(1000 * seed + k) for k in range(4)]
    points = model.draw_data(data, TRAIN_POINTS, generators[0])
    low, high = points.amin(dim=0), points.amax(dim=0)
    centre, half = (low + high) / 2, (high - low) / 2
    alpha_bar = model.alpha_bar_table(schedule, T)

    torch.manual_seed(1000 * seed + 4)
    net = model.make_network(SETTINGS["octaves"], width, depth, SETTINGS["activation"])
    loss = train(net, points, alpha_bar, steps, batch, generators[1])
    x = sample(net, alpha_bar, (centre - CLIP * half, centre + CLIP * half), SAMPLES, generators[2])

    fresh = lambda: model.draw_data(data, SAMPLES, generators[3])
    w2s = [wasserstein2(x, fresh())]
    floors = [wasserstein2(fresh(), fresh()) for _ in range(FLOOR_DRAWS)]
    w2s += [wasserstein2(x, fresh()) for _ in range(FRESH_SETS - 1)]
    values = (data, schedule, steps, batch, seed, width, depth)
    return dict(zip(KEY, values)) | {
        "w2": round(w2s[0], 5),
        "w2_mean": round(float(np.mean(w2s)), 5),
        "w2s": [round(w, 5) for w in w2s],
        "floor": round(float(np.mean(floors)), 5),
        "floors": [round(f, 5) for f in floors],
        "loss": round(loss, 5),
    }


def data_against_data(data):
    """How far two sets of fresh points are from each other, and how much that varies."""
    generator = torch.Generator().manual_seed(2026)
    draw = lambda: model.draw_data(data, SAMPLES, generator)
    floors = np.array([wasserstein2(draw(), draw()) for _ in range(SPREAD_DRAWS)])
    spread = {"mean": floors.mean(), "sd": floors.std(ddof=1), "min": floors.min(), "max": floors.max()}
    return {"draws": SPREAD_DRAWS} | {k: round(float(v), 5) for k, v in spread.items()}


def write(path, rows, spreads):
    """The whole file, one row a line; replaced in one move, so that a stop never leaves half of it."""
    versions = {"python": platform.python_version(), "torch": torch.__version__.split("+")[0]}
    versions |= {"numpy": np.__version__, "scipy": scipy.__version__}
    head = {"settings": SETTINGS, "versions": versions, "data_against_data": spreads}
    head = json.dumps(head, indent=1)
    body = ",\n".join("  " + json.dumps(row) for row in sorted(rows, key=lambda r: [r[k] for k in KEY]))
    part = path.with_name(path.name + ".part")
    part.write_text(f'{head.removesuffix("}").rstrip()},\n "rows": [\n{body}\n ]\n}}\n')
    os.replace(part, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=["figure8", "circle"], choices=["figure8", "circle"])
    parser.add_argument("--schedule", nargs="+", default=["linear", "cosine"], choices=["linear", "cosine"])
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON file that keeps all rows")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    kept = json.loads(args.out.read_text()) if args.out and args.out.exists() else {}
    rows, spreads = kept.get("rows", []), kept.get("data_against_data", {})
    for data, schedule, seed in itertools.product(args.data, args.schedule, args.seeds):
        values = (data, schedule, args.steps, args.batch, seed, args.width, args.depth)
        if any(values == tuple(row[k] for k in KEY) for row in rows):
            continue
        rows.append(run(*values))
        print(json.dumps(rows[-1]), flush=True)
        if args.out:
            spreads[data] = spreads.get(data) or data_against_data(data)
            write(args.out, rows, spreads)


if __name__ == "__main__":
    main()
