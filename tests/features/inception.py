"""The network of FID in PyTorch, with random weights, for inception.sh.

    inception.py make WEIGHTS.pth PICTURES HEIGHT WIDTH CHANNELS FEATURES.npy
    inception.py compare FEATURES.npy FEATURES.txt

The graph is written from pytorch-fid's and torchvision's, by the rows of its branches, and not
from ours."""
import sys

import numpy as np
import torch
import torch.nn.functional as F

state = {}


def conv(x, name, n_out, kernel, stride=1, padding=0):
    shape = (n_out, x.shape[1], *((kernel, kernel) if isinstance(kernel, int) else kernel))
    if f"{name}.conv.weight" not in state:
        weight = torch.randn(shape) * (2 / np.prod(shape[1:])) ** 0.5
        y = F.conv2d(x, weight, stride=stride, padding=padding)
        state[f"{name}.conv.weight"] = weight
        state[f"{name}.bn.weight"] = 0.5 + torch.rand(n_out)
        state[f"{name}.bn.bias"] = 0.2 * torch.randn(n_out)
        # as of a trained network, about those of the pictures
        state[f"{name}.bn.running_mean"] = y.mean((0, 2, 3)) + 0.1 * torch.randn(n_out)
        state[f"{name}.bn.running_var"] = y.var((0, 2, 3)) * (0.5 + torch.rand(n_out))
    weight, gamma, beta, mean, variance = (
        state[f"{name}.{what}"].to(x.dtype)
        for what in ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean",
                     "bn.running_var"))
    x = F.conv2d(x, weight, stride=stride, padding=padding)
    return F.relu(F.batch_norm(x, mean, variance, gamma, beta, eps=0.001))


def mean_pool(x):
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def a(x, m, n_pool):
    dbl = conv(x, f"{m}.branch3x3dbl_1", 64, 1)
    dbl = conv(dbl, f"{m}.branch3x3dbl_2", 96, 3, padding=1)
    dbl = conv(dbl, f"{m}.branch3x3dbl_3", 96, 3, padding=1)
    five = conv(conv(x, f"{m}.branch5x5_1", 48, 1), f"{m}.branch5x5_2", 64, 5, padding=2)
    pool = conv(mean_pool(x), f"{m}.branch_pool", n_pool, 1)
    return torch.cat([conv(x, f"{m}.branch1x1", 64, 1), five, dbl, pool], 1)


def b(x, m):
    dbl = conv(x, f"{m}.branch3x3dbl_1", 64, 1)
    dbl = conv(dbl, f"{m}.branch3x3dbl_2", 96, 3, padding=1)
    dbl = conv(dbl, f"{m}.branch3x3dbl_3", 96, 3, stride=2)
    return torch.cat([conv(x, f"{m}.branch3x3", 384, 3, stride=2), dbl,
                      F.max_pool2d(x, 3, stride=2)], 1)


def c(x, m, n):
    seven = conv(x, f"{m}.branch7x7_1", n, 1)
    seven = conv(seven, f"{m}.branch7x7_2", n, (1, 7), padding=(0, 3))
    seven = conv(seven, f"{m}.branch7x7_3", 192, (7, 1), padding=(3, 0))
    dbl = conv(x, f"{m}.branch7x7dbl_1", n, 1)
    dbl = conv(dbl, f"{m}.branch7x7dbl_2", n, (7, 1), padding=(3, 0))
    dbl = conv(dbl, f"{m}.branch7x7dbl_3", n, (1, 7), padding=(0, 3))
    dbl = conv(dbl, f"{m}.branch7x7dbl_4", n, (7, 1), padding=(3, 0))
    dbl = conv(dbl, f"{m}.branch7x7dbl_5", 192, (1, 7), padding=(0, 3))
    pool = conv(mean_pool(x), f"{m}.branch_pool", 192, 1)
    return torch.cat([conv(x, f"{m}.branch1x1", 192, 1), seven, dbl, pool], 1)


def d(x, m):
    three = conv(conv(x, f"{m}.branch3x3_1", 192, 1), f"{m}.branch3x3_2", 320, 3, stride=2)
    seven = conv(x, f"{m}.branch7x7x3_1", 192, 1)
    seven = conv(seven, f"{m}.branch7x7x3_2", 192, (1, 7), padding=(0, 3))
    seven = conv(seven, f"{m}.branch7x7x3_3", 192, (7, 1), padding=(3, 0))
    seven = conv(seven, f"{m}.branch7x7x3_4", 192, 3, stride=2)
    return torch.cat([three, seven, F.max_pool2d(x, 3, stride=2)], 1)


def e(x, m, pool):
    three = conv(x, f"{m}.branch3x3_1", 384, 1)
    three = torch.cat([conv(three, f"{m}.branch3x3_2a", 384, (1, 3), padding=(0, 1)),
                       conv(three, f"{m}.branch3x3_2b", 384, (3, 1), padding=(1, 0))], 1)
    dbl = conv(x, f"{m}.branch3x3dbl_1", 448, 1)
    dbl = conv(dbl, f"{m}.branch3x3dbl_2", 384, 3, padding=1)
    dbl = torch.cat([conv(dbl, f"{m}.branch3x3dbl_3a", 384, (1, 3), padding=(0, 1)),
                     conv(dbl, f"{m}.branch3x3dbl_3b", 384, (3, 1), padding=(1, 0))], 1)
    pool = conv(pool(x), f"{m}.branch_pool", 192, 1)
    return torch.cat([conv(x, f"{m}.branch1x1", 320, 1), three, dbl, pool], 1)


def features(x):
    x = F.interpolate(x, size=(299, 299), mode="bilinear", align_corners=False)
    x = 2 * x - 1
    x = conv(x, "Conv2d_1a_3x3", 32, 3, stride=2)
    x = conv(x, "Conv2d_2a_3x3", 32, 3)
    x = conv(x, "Conv2d_2b_3x3", 64, 3, padding=1)
    x = F.max_pool2d(x, 3, stride=2)
    x = conv(x, "Conv2d_3b_1x1", 80, 1)
    x = conv(x, "Conv2d_4a_3x3", 192, 3)
    x = F.max_pool2d(x, 3, stride=2)
    x = a(a(a(x, "Mixed_5b", 32), "Mixed_5c", 64), "Mixed_5d", 64)
    x = b(x, "Mixed_6a")
    for module, n in (("b", 128), ("c", 160), ("d", 160), ("e", 192)):
        x = c(x, f"Mixed_6{module}", n)
    x = d(x, "Mixed_7a")
    x = e(x, "Mixed_7b", mean_pool)
    x = e(x, "Mixed_7c", lambda y: F.max_pool2d(y, 3, stride=1, padding=1))
    return F.adaptive_avg_pool2d(x, (1, 1)).flatten(1)


def main(command, *args):
    if command == "compare":
        expected, found = np.load(args[0]), np.loadtxt(args[1])
        assert found.shape == expected.shape, (found.shape, expected.shape)
        spread = expected.std(axis=0).mean()
        print("largest difference", np.abs(found - expected).max(), "of features that are",
              np.abs(expected).mean(), "on average and differ by", spread, "between pictures")
        assert spread > 0.01 and np.abs(expected).mean() < 10
        # PyTorch's own single precision is off by 4e-4 of the mean, of other pictures by 7e-4
        sys.exit(not np.abs(found - expected).max() < 7e-4 * np.abs(expected).mean())
    torch.manual_seed(5)
    torch.set_num_threads(1)
    height, width, channels = map(int, args[2:5])
    rng = np.random.default_rng(1)
    fine = rng.integers(0, 256, (2, channels, height, width))
    steps = np.linspace(0, 255, width)[None, None, None, :] + 0 * fine
    x = np.where(np.arange(2)[:, None, None, None] == 1, steps, fine).astype(np.uint8)
    x.tofile(args[1])
    pictures = torch.from_numpy(x / 255.0).expand(-1, 3, -1, -1)
    with torch.no_grad():
        single = features(pictures.float())  # which makes the weights
        y = features(pictures)
    print("single precision is off by", (single - y).abs().max().item())
    torch.save(state, args[0])
    np.save(args[5], y.numpy())


main(*sys.argv[1:])
