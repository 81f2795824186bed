#!/usr/bin/env python3
"""RG-Flow's network in PyTorch, written after arXiv:2010.00029 and its code, against ours.

  rgflow.py PROGRAM [WIDTH[:BATCH[:STEPS]] ...]   (PROGRAM: tests/bench/rgflow, as make built it)

First one gradient of the same weights is compared, then steps of training are timed: equal
width, batch, layers and optimiser, in turn, on the threads of OMP_NUM_THREADS. Printed are user
CPU seconds a step (the least of all), their ratio, and both loss curves' ends. Without
PyTorch it says so and ends.
"""
import ctypes
import math
import os
import resource
import subprocess
import sys
import tempfile

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", "2")
if "avx512f" in open("/proc/cpuinfo").read():
    # old OpenBLAS takes SSE3 kernels on processors it does not know
    os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
try:
    import torch
except ImportError:
    print("rgflow.py: skipped: no PyTorch (python3-torch)")
    sys.exit(0)
from torch import nn
from torch.nn.utils import weight_norm

L, C, K, LAYERS, BLOCKS = 32, 3, 4, [8, 6, 4, 2], 4


class Swish(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.slope = nn.Parameter(torch.ones(n))

    def forward(self, x):
        return x * torch.sigmoid(self.slope * x)


def linear(n_in, n_out):
    layer = nn.Linear(n_in, n_out)
    bound = math.sqrt(3 * 2.81 / n_in)
    nn.init.uniform_(layer.weight, -bound, bound)
    nn.init.zeros_(layer.bias)
    return weight_norm(layer)


class Net(nn.Module):
    def __init__(self, rows, width, tanh):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(Swish(rows), linear(rows, width), Swish(width),
                          linear(width, width), Swish(width), linear(width, rows))
            for _ in range(BLOCKS))
        self.scale = nn.Parameter(torch.zeros(rows))
        self.tanh = tanh

    def forward(self, x):
        for block in self.blocks:
            x = (x + block(x)) / math.sqrt(2)
        x = self.scale * x
        return torch.tanh(x) if self.tanh else x

    def parts(self):
        """In the order of kad_affine_net."""
        for b in self.blocks:
            for swish, layer in ((b[0], b[1]), (b[2], b[3]), (b[4], b[5])):
                yield swish.slope
                yield layer.weight_v
                yield layer.weight_g
                yield layer.bias
        yield self.scale


class Stage(nn.Module):
    def __init__(self, width, h, offset):
        super().__init__()
        step, stride = 2**h, K * 2**h
        near = torch.arange(K) * step
        far = torch.arange(0, L, stride) + offset
        y = (far[:, None, None, None] + near[None, None, :, None]) % L
        x = (far[None, :, None, None] + near[None, None, None, :]) % L
        place = (y * L + x).reshape(-1, K * K)
        place = (torch.arange(C)[None, :, None] * L * L +
                 place[:, None, :]).reshape(-1, C * K * K)
        even = (torch.arange(K)[:, None] + torch.arange(K)[None, :]) % 2 == 0
        even = even.reshape(1, -1).expand(C, -1).reshape(-1)
        # ours has the even rows first
        order = torch.cat([torch.nonzero(even)[:, 0], torch.nonzero(~even)[:, 0]])
        self.place, self.mask = place[:, order], even[order].float()
        self.s = nn.ModuleList(Net(C * K * K, width, True) for _ in range(LAYERS[h]))
        self.t = nn.ModuleList(Net(C * K * K, width, False) for _ in range(LAYERS[h]))

    def forward(self, x):
        n = len(x)
        u = x[:, self.place].reshape(-1, C * K * K)
        ln_det = 0
        mask = self.mask.to(u.dtype)
        for s_net, t_net in zip(self.s, self.t):
            for seen in (mask, 1 - mask):
                look = seen * u
                s = (1 - seen) * s_net(look)
                t = (1 - seen) * t_net(look)
                u = look + (1 - seen) * (u * torch.exp(s) + t)
                ln_det = ln_det + s.sum(dim=1)
        x = x.clone()
        x[:, self.place] = u.reshape(n, -1, C * K * K)
        return x, ln_det.reshape(n, -1).sum(dim=1)


class Flow(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.stages = nn.ModuleList(
            Stage(width, h, offset * K * 2**h // 2)
            for h in range(len(LAYERS)) for offset in (0, 1))

    def forward(self, x):
        """Nats a dimension of x [n][C L L] under the Laplace prior, and z."""
        ln_det = 0
        for stage in self.stages:
            x, stretch = stage(x)
            ln_det = ln_det + stretch
        ln_p = -(math.sqrt(2) * x.abs() + math.log(math.sqrt(2))).sum(dim=1)
        return -(ln_p + ln_det) / (C * L * L), x

    def parts(self):
        for stage in self.stages:
            for s, t in zip(stage.s, stage.t):
                yield from s.parts()
                yield from t.parts()


def check(program, width, batch):
    """The same weights give the same latents, loss and gradient."""
    with tempfile.NamedTemporaryFile() as f:
        subprocess.run([program, str(width), str(batch), "dump", f.name], check=True)
        size = os.path.getsize(f.name)
        numbers = torch.from_file(f.name, size=size // 8, dtype=torch.float64).clone()
    for dtype, most in ((torch.float64, 1e-10), (torch.float32, 1e-4)):
        flow = Flow(width).to(dtype)
        parts, at = list(flow.parts()), 0
        with torch.no_grad():
            for p in parts:
                p.copy_(numbers[at:at + p.numel()].reshape(p.shape))
                at += p.numel()
        n = batch * C * L * L
        x, z = numbers[at:at + n], numbers[at + n:at + 2 * n]
        theirs, gradient = numbers[at + 2 * n], numbers[at + 2 * n + 1:]
        loss, latents = flow(x.to(dtype).reshape(batch, -1))
        loss.mean().backward()
        g = torch.cat([p.grad.reshape(-1) for p in parts]).double()
        far = [abs(float(loss.mean().detach() - theirs)),
               float((latents.detach().reshape(-1) - z).abs().max() / z.abs().max()),
               float((g - gradient).norm() / gradient.norm())]
        print(f"same weights, width {width}, {str(dtype)[6:]}: loss {float(theirs):.6f}, differences: "
              f"loss {far[0]:.1e}, latents {far[1]:.1e}, gradient {far[2]:.1e}")
        if max(far) > most:
            sys.exit("rgflow.py: not the same network")


def user():
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def pictures(program):
    with tempfile.NamedTemporaryFile() as f:
        subprocess.run([program, "1", "1", "images", f.name], check=True)
        size = os.path.getsize(f.name)
        return torch.from_file(f.name, size=size, dtype=torch.uint8).clone().reshape(-1, C * L * L)


class Theirs:
    def __init__(self, width, batch, images):
        torch.manual_seed(1)
        self.flow, self.batch, self.pictures = Flow(width), batch, images
        self.adam = torch.optim.AdamW(self.flow.parameters(), lr=1e-3, weight_decay=0.05)
        self.least, self.curve = math.inf, []

    def step(self):
        begun = user()
        v = self.pictures[torch.randint(len(self.pictures), (self.batch,))].float()
        p = 0.05 + 0.9 * (v + torch.rand_like(v)) / 256
        x = torch.log(p) - torch.log1p(-p)
        ln = (math.log(0.9) - torch.log(p) - torch.log1p(-p)).mean(dim=1)
        self.adam.zero_grad()
        loss = (self.flow(x)[0] - ln).mean()
        loss.backward()
        self.adam.step()
        self.least = min(self.least, user() - begun)
        # ours counts the 256 too
        self.curve.append(float(loss.detach()) + math.log(256))


def blas():
    for name in ("libopenblas.so.0", "libblas.so.3"):
        try:
            core = ctypes.CDLL(name).openblas_get_corename
            core.restype = ctypes.c_char_p
            return "OpenBLAS " + core().decode()
        except (OSError, AttributeError):
            pass
    return "an unknown BLAS"


def compare(program, images, width, batch, steps):
    rounds = 2
    theirs, ours, curve, line = Theirs(width, batch, images), math.inf, [], ""
    for _ in range(rounds):
        out = subprocess.run([program, str(width), str(batch), str(steps * rounds)],
                             check=True, capture_output=True, text=True).stdout.split("\n")
        curve = [float(s) for s in out if s and not s.startswith("step:")]
        now = next(s for s in out if s.startswith("step:"))
        seconds = float(now.split("user_s ")[1].split()[0])
        if seconds < ours:
            ours, line = seconds, now
        for _ in range(steps):
            theirs.step()
    tail = max(1, len(curve) // 3)
    losses = [torch.tensor(c[-tail:]) for c in (theirs.curve, curve)]
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"width {width}, batch {batch}: PyTorch {theirs.least:.3f} s, ours {ours:.3f} s of user CPU a "
          f"step: ratio {theirs.least / ours:.1f}\n"
          f"  loss, mean of the last {tail} of {len(curve)} steps: PyTorch {losses[0].mean():.4f}, ours "
          f"{losses[1].mean():.4f}; PyTorch's process {rss:.0f} MB\n  ours {line}", flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program, cases = sys.argv[1], sys.argv[2:] or ["16:64:16", "64:64:8", "512:64:1"]
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    print(f"PyTorch {torch.__version__}, {blas()}, {torch.get_num_threads()} threads", flush=True)
    check(program, 16, 2)
    images = pictures(program)
    for case in cases:
        given = [int(k) for k in case.split(":")]
        compare(program, images, *(given + [64, 8][len(given) - 1:]))


main()
