#!/usr/bin/env python3
"""Time the gradient step of the NeuralRG network in PyTorch beside ours, in one run.

    python3 tests/bench/neuralrg.py [BENCH] [REPEATS]

The network of arXiv:1802.02840 as its authors' code lays it out: a MERA of 2x2 blocks on 16 x 16,
a RealNVP of 10 couplings a layer, scale and shift each an MLP 4-10-10-10-4 with ELU on masked
inputs, tanh with a learnt scale on the log-scale; batch 512, plain reverse KL of the Ising dual
at T_c, single precision. Needs PyTorch (Debian: python3-torch); ends with 77 without it.
BENCH is the benchmark program (default ./tests/bench/bench). Threads: OMP_NUM_THREADS or 2."""
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import torch
    from torch import nn
except ImportError:
    print("neuralrg.py: PyTorch is not installed", file=sys.stderr)
    sys.exit(77)

L, BATCH, COUPLINGS, HIDDEN = 16, 512, 10, [10, 10, 10]
TEMPERATURE = 2 / math.log(1 + math.sqrt(2))


class ScaledTanh(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.scale = nn.Parameter(torch.full((n,), 0.1))

    def forward(self, x):
        return self.scale * torch.tanh(x)


def mlp(last=None):
    widths = [4] + HIDDEN
    layers = []
    for a, b in zip(widths, widths[1:]):
        layers += [nn.Linear(a, b), nn.ELU()]
    layers.append(nn.Linear(widths[-1], 4))
    return nn.Sequential(*layers, *([last] if last else []))


class RealNVP(nn.Module):
    def __init__(self):
        super().__init__()
        self.shift = nn.ModuleList(mlp() for _ in range(COUPLINGS))
        self.scale = nn.ModuleList(mlp(ScaledTanh(4)) for _ in range(COUPLINGS))
        mask = torch.tensor([1.0, 0, 0, 1])
        self.masks = [mask if k % 2 == 0 else 1 - mask for k in range(COUPLINGS)]

    def forward(self, z):
        log_det = z.new_zeros(z.shape[0])
        for mask, shift, scale in zip(self.masks, self.shift, self.scale):
            kept = z * mask
            s = scale(kept) * (1 - mask)
            t = shift(kept) * (1 - mask)
            z = kept + (1 - mask) * (z * torch.exp(s) + t)
            log_det = log_det + s.sum(1)
        return z, log_det


def blocks(step, offset):
    """Sites of the 2x2 blocks of spacing `step`, shifted by `offset`."""
    return torch.tensor([
        [(y + offset + dy * step) % L * L + (x + offset + dx * step) % L
         for dy in (0, 1) for dx in (0, 1)]
        for y in range(0, L, 2 * step) for x in range(0, L, 2 * step)])


class Mera(nn.Module):
    def __init__(self):
        super().__init__()
        self.sites = []
        step = L // 2
        while step:  # from coarse to fine: decimator, then disentangler
            self.sites.append(blocks(step, 0))
            if 2 * step < L:
                self.sites.append(blocks(step, step))
            step //= 2
        self.layers = nn.ModuleList(RealNVP() for _ in self.sites)

    def forward(self, z):
        log_det = z.new_zeros(z.shape[0])
        for layer, sites in zip(self.layers, self.sites):
            n = len(sites)
            x, ld = layer(z[:, sites.flatten()].reshape(-1, 4))
            log_det = log_det + ld.reshape(-1, n).sum(1)
            z = z.scatter(1, sites.flatten().expand(len(z), -1), x.reshape(-1, 4 * n))
        return z, log_det


def inverse_coupling():
    """(K + shift)^-1 of the nearest-neighbour coupling, least eigenvalue 0.1."""
    k = torch.zeros(L * L, L * L, dtype=torch.double)
    for y in range(L):
        for x in range(L):
            for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                k[y * L + x, (y + dy) % L * L + (x + dx) % L] += 1 / TEMPERATURE
    least = torch.linalg.eigvalsh(k)[0]
    return torch.linalg.inv(k + (0.1 - least) * torch.eye(L * L)).float()


def step(flow, inverse):
    z = torch.randn(BATCH, L * L)
    x, log_det = flow(z)
    log_q = -0.5 * (z * z).sum(1) - log_det
    action = 0.5 * ((x @ inverse) * x).sum(1) - (nn.functional.softplus(2 * x) - x).sum(1)
    flow.zero_grad()
    (log_q + action).mean().backward()


def ours(bench, threads):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "bench.json")
        subprocess.run([bench, "--threads", str(threads), "--repeats", "5", "--filter",
                        "neuralrg ising 16x16", "--json", out],
                       check=True, stdout=subprocess.DEVNULL)
        with open(out) as lines:
            rows = [json.loads(line) for line in lines]
    return next(row["median_ms"] for row in rows if row["what"] == "train")


def main():
    bench = sys.argv[1] if len(sys.argv) > 1 else "./tests/bench/bench"
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    flow, inverse = Mera(), inverse_coupling()
    step(flow, inverse)
    theirs, mine = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        step(flow, inverse)
        theirs.append(1e3 * (time.perf_counter() - start))
        mine.append(ours(bench, threads))
    ratio = statistics.median(a / b for a, b in zip(theirs, mine))
    print(f"{threads} threads: PyTorch {torch.__version__} {statistics.median(theirs):.1f} ms, "
          f"kadanoff {statistics.median(mine):.2f} ms: {ratio:.1f} times")


main()
