#!/usr/bin/env python3
"""Frechet distances of the sets that test_frechet.c makes, by scipy's matrix square root, and
by the singular values of the product of both sets, which lose no digits where covariances are
singular."""
import numpy as np
from scipy.linalg import sqrtm


def features(n, d, which):
    i, k = np.arange(n)[:, None], np.arange(d)[None, :]
    wave = np.sin(0.7 * i + 1.3 * k * k + which) * (k % 7 + 1)
    return wave + 0.3 * ((i * (2 * k + 3) + which) % 17) + 0.1 * which * k


for n_a, n_b, d in ((200, 300, 6), (500, 100, 33), (40, 60, 50)):
    a, b = features(n_a, d, 0), features(n_b, d, 1)
    S_a, S_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    step = a.mean(0) - b.mean(0)
    root = sqrtm(S_a @ S_b).real
    of_traces = step @ step + np.trace(S_a + S_b)
    both = (a - a.mean(0)) @ (b - b.mean(0)).T / np.sqrt((n_a - 1) * (n_b - 1))
    print(n_a, n_b, d, repr(of_traces - 2 * np.trace(root)),
          repr(of_traces - 2 * np.linalg.svd(both, compute_uv=False).sum()))
