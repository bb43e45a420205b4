"""Make tests/golden/optimisers.json: ten updates of torch.optim's optimisers, and the rates of its schedulers.

Each optimiser descends the quadratic sum_i c_i (w_i - d_i)^2 / 2 on a matrix [32, 32], in float64:

    w_i at the start = cos(1.7 i), c_i = 1 + (i mod 7) / 4, d_i = sin(i + i^2 / 10), i = row * 32 + column.

`vector` holds the first 40 weights after each update of the element-wise optimisers, `matrix` all weights after the last
update of Muon. Muon's own code casts to bfloat16; here that cast is made one to float64, so that what is compared is the
method and not the rounding. `rates` are the rates of updates 1 to 12: linear warm-up over 4, then cosine or linear over 5.
"""

import json
import pathlib

import torch

SIDE, UPDATES, SHOWN = 32, 10, 40
RATE, DECAY, END = 0.05, 0.1, 0.1


def descend(make):
    i = torch.arange(SIDE * SIDE, dtype=torch.float64)
    c, d = 1 + (i % 7) / 4, torch.sin(i + i * i / 10)
    w = torch.nn.Parameter(torch.cos(1.7 * i).view(SIDE, SIDE).clone())
    optimiser = make([w])
    for _ in range(UPDATES):
        w.grad = (c * (w.detach().flatten() - d)).view(SIDE, SIDE)
        optimiser.step()
        yield w.detach().flatten().clone()


def rates(fall):
    w = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimiser = torch.optim.SGD([w], lr=RATE)
    rise = torch.optim.lr_scheduler.LinearLR(optimiser, start_factor=1 / 4, total_iters=3)
    schedule = torch.optim.lr_scheduler.SequentialLR(optimiser, [rise, fall(optimiser)], milestones=[4])
    found = []
    for _ in range(12):
        found.append(min(schedule.get_last_lr()))
        optimiser.step()
        # CosineAnnealingLR goes up again after its end; the lab stays there.
        if len(found) < 10:
            schedule.step()
    return found


def main():
    torch.bfloat16 = torch.float64
    optim = torch.optim
    betas = {"betas": (0.9, 0.999), "eps": 1e-8}
    vectors = {
        "sgd": lambda p: optim.SGD(p, lr=RATE),
        "momentum": lambda p: optim.SGD(p, lr=RATE, momentum=0.9),
        "adam": lambda p: optim.Adam(p, lr=RATE, **betas),
        "adamw": lambda p: optim.AdamW(p, lr=RATE, weight_decay=DECAY, **betas),
    }
    muon = lambda p: optim.Muon(p, lr=RATE, weight_decay=DECAY, momentum=0.95, nesterov=True, adjust_lr_fn="match_rms_adamw")
    schedulers = optim.lr_scheduler
    rounded = lambda values: [round(float(v), 9) for v in values]
    golden = {
        "torch": torch.__version__.split("+")[0],
        "rate": RATE,
        "weight_decay": DECAY,
        "decay_end": END,
        "vector": {name: [rounded(w[:SHOWN]) for w in descend(make)] for name, make in vectors.items()},
        "matrix": rounded(list(descend(muon))[-1]),
        "rates": {
            "linear": rounded(rates(lambda o: schedulers.LinearLR(o, 1.0, END, total_iters=5))),
            "cosine": rounded(rates(lambda o: schedulers.CosineAnnealingLR(o, T_max=5, eta_min=END * RATE))),
        },
    }
    path = pathlib.Path(__file__).parents[2] / "tests/golden/optimisers.json"
    path.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
