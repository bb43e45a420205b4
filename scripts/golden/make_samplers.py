"""Writes tests/golden/samplers.json: whole runs of samplers by the package diffusers, to compare ours with.

What is denoised is known in closed form: data at -1 and 1 on each axis, so that E[x_0 | x] = tanh(a x / s^2), nowhere linear. The
schedule is the DDPM table of T = 1000. Everything is computed in float64: the package's own tables, which are float32, are replaced by
the same numbers in float64.

Per run: the name of ours, the package's class, t of the knots (1..T, then 0), the noise of each step where any is drawn, and x after each
step, the start first. Two particles of two coordinates.
"""

import json
from pathlib import Path

import diffusers
import numpy as np
import torch
from diffusers.schedulers import scheduling_ddpm

T = 1000
OUT = Path(__file__).resolve().parents[2] / "tests" / "golden" / "samplers.json"
BETAS = torch.linspace(1e-4, 0.02, T, dtype=torch.float64)
ALPHA_BAR = torch.cumprod(1 - BETAS, 0)
START = torch.tensor([[-1.7, -0.4], [0.3, 1.1]], dtype=torch.float64)

COMMON = dict(num_train_timesteps=T, beta_start=1e-4, beta_end=0.02, beta_schedule="linear")
SPACED = dict(COMMON, timestep_spacing="leading", steps_offset=0)
RUNS = [
    ("ddpm", diffusers.DDPMScheduler, dict(SPACED, variance_type="fixed_small", clip_sample=False)),
    ("ddim", diffusers.DDIMScheduler, dict(SPACED, clip_sample=False, set_alpha_to_one=True)),
    ("euler", diffusers.EulerDiscreteScheduler, SPACED),
    ("edm", diffusers.HeunDiscreteScheduler, SPACED),
    (
        "dpmpp-2m",
        diffusers.DPMSolverMultistepScheduler,
        dict(COMMON, solver_order=2, algorithm_type="dpmsolver++", final_sigmas_type="zero", timestep_spacing="linspace"),
    ),
    (
        "unipc",
        diffusers.UniPCMultistepScheduler,
        dict(COMMON, solver_order=2, solver_type="bh2", final_sigmas_type="zero", timestep_spacing="linspace"),
    ),
]


def scales(t):
    """a and s at the package's timestep t, 0..T - 1."""
    alpha_bar = ALPHA_BAR[int(t)]
    return alpha_bar.sqrt(), (1 - alpha_bar).sqrt()


def predicted_noise(x, t):
    """The exact noise in x."""
    a, s = scales(t)
    return (x - a * torch.tanh(a * x / s**2)) / s


def in_float64(scheduler, timesteps):
    """Replace the tables of a scheduler by the same numbers in float64."""
    scheduler.betas, scheduler.alphas, scheduler.alphas_cumprod = BETAS, 1 - BETAS, ALPHA_BAR
    for name in ("one", "final_alpha_cumprod"):
        if hasattr(scheduler, name):
            setattr(scheduler, name, torch.tensor(1.0, dtype=torch.float64))
    if hasattr(scheduler, "sigmas"):
        at = ((1 - ALPHA_BAR) / ALPHA_BAR).sqrt()
        scheduler.sigmas = torch.cat([at[timesteps.long()], torch.zeros(1, dtype=torch.float64)])


def run(name, kind, options, steps):
    """One whole run."""
    scheduler = kind(**options)
    scheduler.set_timesteps(steps)
    timesteps = scheduler.timesteps.clone()
    doubled = kind is diffusers.HeunDiscreteScheduler
    single = torch.cat([timesteps[:1], timesteps[1::2]]) if doubled else timesteps
    assert len(single) == steps and torch.equal(single, single.round()), single
    in_float64(scheduler, single)
    if doubled:
        # As the package has it: every level but the first and the last twice.
        sigmas = scheduler.sigmas
        scheduler.sigmas = torch.cat([sigmas[:1], sigmas[1:-1].repeat_interleave(2), sigmas[-1:]])
    over_sigma = kind in (diffusers.EulerDiscreteScheduler, diffusers.HeunDiscreteScheduler)
    sample = START.clone()
    if over_sigma:
        # These carry x / a.
        sample = sample / scales(timesteps[0])[0]
    drawn = []

    def noise(shape, **_):
        drawn.append(torch.tensor(np.random.default_rng(len(drawn)).standard_normal(shape)))
        return drawn[-1]

    scheduling_ddpm.randn_tensor = noise
    seen = [START.tolist()]
    for number, t in enumerate(timesteps):
        x = scheduler.scale_model_input(sample, t) if over_sigma else sample
        sample = scheduler.step(predicted_noise(x, t), t, sample).prev_sample
        if doubled and number % 2 == 0 and number + 1 < len(timesteps):
            continue
        done = len(seen)
        a = scales(single[done])[0] if over_sigma and done < steps else 1.0
        seen.append((a * sample).tolist())
    assert sample.dtype == torch.float64 and len(seen) == steps + 1
    return {
        "sampler": name,
        "by": f"diffusers {diffusers.__version__}, {kind.__name__}",
        "t": [int(t) + 1 for t in single] + [0],
        "noise": [z.tolist() for z in drawn],
        "x": seen,
    }


def main():
    """Write all of them."""
    runs = [run(*row, steps) for row in RUNS for steps in (20, 50)]
    OUT.write_text("[\n" + ",\n".join(json.dumps(one) for one in runs) + "\n]\n")
    print(f"{len(runs)} runs in {OUT.name}")


if __name__ == "__main__":
    main()
