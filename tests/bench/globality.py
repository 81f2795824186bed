#!/usr/bin/env python3
"""What images of MSDS share as a whole, which bits per dimension hide.

    globality.py RUN/run.h5[:DATASET] ...

Of /images/samples, or of the images (u1) [image, ..., 32, 32, channel] of DATASET, each place of further axes
apart: of images/mix/sheet with many rows (images.rows) these are the levels from which on latents are those of
held-out images, so that it tells which level loses what.
colour: share of the variance of the ovals' colours that lies between images; in 8 x 8 tiles the median over sites
with a level above 0, where there are more than 5. 0.83 of MSDS1, about 0.07 of independent ovals.
direction: |mean of exp(2 i theta)| over the 16 ovals, mean over images; theta is half the argument of the second
moments of min(R + G + B, 150). 0.89 of MSDS2, 0.22 of independent ovals.
A thousand images or more. Needs h5py and numpy."""
import sys
import warnings

import h5py
import numpy as np


def tiles(x):
    n = x.shape[0]
    x = x.reshape(n, 4, 8, 4, 8, 3).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, 16, 8, 8, 3).astype(float)


def colour(x):
    t = tiles(x).reshape(x.shape[0], 16, 64, 3)
    t[t.sum(-1) == 0] = np.nan
    m = np.nanmedian(t, 2)
    m[np.isfinite(t[..., 0]).sum(-1) <= 5] = np.nan
    return 1 - np.nanmean(np.nanvar(m, 1)) / np.nanvar(m.reshape(-1, 3), 0).mean()


def direction(x):
    w = np.minimum(tiles(x).sum(-1), 150)
    y, c = np.mgrid[0:8, 0:8]
    s = w.sum((-1, -2)) + 1e-9
    dy = y - ((w * y).sum((-1, -2)) / s)[..., None, None]
    dx = c - ((w * c).sum((-1, -2)) / s)[..., None, None]
    a = (w * (dx * dx - dy * dy)).sum((-1, -2))
    b = 2 * (w * dx * dy).sum((-1, -2))
    return np.abs(np.exp(1j * np.arctan2(b, a)).mean(1)).mean()


def main(names):
    warnings.simplefilter("ignore")  # tiles without an oval
    for name in names:
        path, _, dataset = name.partition(":")
        with h5py.File(path, "r") as file:
            x = file[dataset or "images/samples"][()]
        x = x.reshape(x.shape[0], -1, *x.shape[-3:])
        for k in range(x.shape[1]):
            print(f"{name} {k if x.shape[1] > 1 else ''}: {x.shape[0]} images, "
                  f"colour {colour(x[:, k]):.3f}, direction {direction(x[:, k]):.3f}")


main(sys.argv[1:])
