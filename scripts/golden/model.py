"""The lab's noise predictor, schedules and two of its data sets, written a second time in PyTorch.

This file shares no code with the Rust side: it is the independent implementation that the tests
compare with. Names follow the papers; `T` is the number of discrete steps and `t` runs from 1 to T.
"""

import math

import torch
from torch import nn

EMBEDDING = 64  # width of the time embedding: 32 sines, then 32 cosines
JITTER = 0.02  # standard deviation of the noise around each curve, before standardising

ACTIVATIONS = {
    "silu": nn.SiLU,
    "gelu": lambda: nn.GELU(approximate="tanh"),
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
}


# ---- network -------------------------------------------------------------------------------------


def coordinate_features(xy, octaves):
    """[n, 2] -> [n, 2 + 4 * octaves]: x, y; then sin, then cos, of (x f_0, x f_1, ..., y f_0, y f_1, ...)."""
    f = 2.0 ** torch.arange(octaves, dtype=torch.float64) * (math.pi / 3)
    angles = (xy[:, :, None] * f.to(xy.dtype)).flatten(1)  # [n, 2 * octaves], all of x before all of y
    return torch.cat([xy, angles.sin(), angles.cos()], dim=1)


def time_embedding(t, T, dtype):
    """[n] -> [n, 64]: sines, then cosines, of (1000 t / T) * freq_i with freq_i = 10000^(-i/31)."""
    half = EMBEDDING // 2
    i = torch.arange(half, dtype=torch.float64)
    freq = 10000.0 ** (-i / (half - 1))
    clock = t.to(dtype) * 1000 / T  # multiply first: exact where T divides 1000 t
    angles = clock[:, None] * freq.to(dtype)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def features(xy, t, T, octaves):
    """What the first layer sees: [n, 2 + 4 * octaves + 64]."""
    return torch.cat([coordinate_features(xy, octaves), time_embedding(t, T, xy.dtype)], dim=1)


def make_network(octaves=3, width=128, depth=3, activation="silu"):
    """`depth` hidden layers of `width`, then 2 outputs; PyTorch's default initialisation."""
    layers, inputs = [], 2 + 4 * octaves + EMBEDDING
    for _ in range(depth):
        layers += [nn.Linear(inputs, width), ACTIVATIONS[activation]()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, 2))


def make_adam(net, lr=3e-3):
    return torch.optim.Adam(net.parameters(), lr=lr, betas=(0.9, 0.999), eps=1e-8)


class Ema:
    """Moving average of the weights with warm-up: decay_n = min(0.999, (1 + n) / (10 + n))."""

    def __init__(self, net):
        self.params = list(net.parameters())
        self.average = [p.detach().clone() for p in self.params]
        self.n = 0  # Adam updates seen

    @torch.no_grad()
    def update(self):
        """Call once after each Adam update."""
        self.n += 1
        decay = min(0.999, (1 + self.n) / (10 + self.n))
        torch._foreach_lerp_(self.average, self.params, 1 - decay)

    @torch.no_grad()
    def copy_to(self, net):
        for p, average in zip(net.parameters(), self.average):
            p.copy_(average)


# ---- schedules -----------------------------------------------------------------------------------


def alpha_bar_table(schedule, T=1000):
    """alpha_bar at t = 0..T in float64; entry 0 is 1.

    The curve is read at t / T, turned into beta_t = min(1 - ratio, 0.999), and multiplied up again,
    so that the clip (which only the end of the cosine schedule meets) is part of the table.
    """
    tau = torch.arange(T + 1, dtype=torch.float64) / T
    if schedule == "linear":
        curve = torch.exp(-(0.1 * tau + 9.95 * tau**2))
    elif schedule == "cosine":
        f = torch.cos((tau + 0.008) / 1.008 * (math.pi / 2)) ** 2
        curve = f / f[0]
    else:
        raise ValueError(f"unknown schedule {schedule!r}")
    beta = (1 - curve[1:] / curve[:-1]).clamp(max=0.999)
    return torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - beta, dim=0)])


# ---- data ----------------------------------------------------------------------------------------


def curve_point(data, u):
    """A point of the curve at u in [0, 2 pi), before jitter and standardising."""
    if data == "figure8":  # lemniscate of Gerono
        return torch.stack([u.sin(), u.sin() * u.cos()], dim=-1)
    if data == "circle":
        return torch.stack([u.cos(), u.sin()], dim=-1)
    raise ValueError(f"unknown data set {data!r}")


def standardiser(data, nodes=4096):
    """(mean, scale) of the distribution itself: quadrature over u, plus the variance of the jitter."""
    u = torch.arange(nodes, dtype=torch.float64) * (2 * math.pi / nodes)
    p = curve_point(data, u)
    mean = p.mean(dim=0)
    trace = ((p - mean) ** 2).sum(dim=1).mean() + 2 * JITTER**2
    return mean, (trace / 2).sqrt()


def draw_data(data, n, generator):
    """n points in standardised units, float32."""
    mean, scale = standardiser(data)
    u = torch.rand(n, generator=generator, dtype=torch.float64) * (2 * math.pi)
    jitter = JITTER * torch.randn(n, 2, generator=generator, dtype=torch.float64)
    return ((curve_point(data, u) + jitter - mean) / scale).float()
