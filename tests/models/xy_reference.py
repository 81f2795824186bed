"""XY model on the 4 x 4 torus, J = 1: ln Z (average over angles), energy and helicity modulus,
for tests/models/test_xy.c.

Expand exp(beta cos t) = sum_n I_n(beta) e^{i n t}: angles integrate to conserved integer
currents. A row's state is the currents n_x on the four bonds that enter it; the currents along
the row follow from n and n' of the next row but for one constant c:
    T(n, n') = prod_x sqrt(I_{n_x} I_{n'_x})  sum_c prod_x I_{h_x + c},  h_x - h_{x-1} = n_x - n'_x,
    Z = tr T^4, sector by sector of the winding W = sum_x n_x,  Y = <W^2> / beta.
Needs nothing but numpy."""
import itertools
import sys

import numpy as np

L, MOST = 4, 5


def bessel(beta, n_max):
    """I_n(beta), n = 0 .. n_max, by downward recurrence."""
    r = np.zeros(n_max + 2)
    for n in range(n_max + 60, 0, -1):
        value = 1 / (2 * n / beta + (r[n + 1] if n <= n_max else 0))
        if n <= n_max:
            r[n] = value
    angle = 2 * np.pi * np.arange(256) / 256
    out = np.empty(n_max + 1)
    out[0] = np.mean(np.exp(beta * np.cos(angle)))
    for n in range(1, n_max + 1):
        out[n] = out[n - 1] * r[n]
    return out


def sectors(beta):
    """{W: tr T^4} of every winding."""
    weight = bessel(beta, 8 * MOST + 20)
    states = np.array(list(itertools.product(range(-MOST, MOST + 1), repeat=L)))
    totals = states.sum(axis=1)
    Z = {}
    for W in range(0, 3 * MOST + 1):
        n = states[totals == W]
        if len(n) == 0:
            continue
        root = np.sqrt(np.prod(weight[np.abs(n)], axis=1))
        flow = np.zeros((len(n), len(n), L), dtype=np.int64)
        flow[:, :, 1:] = np.cumsum(n[:, None, 1:] - n[None, :, 1:], axis=2)
        row = np.zeros((len(n), len(n)))
        for c in range(-3 * MOST, 3 * MOST + 1):
            row += np.prod(weight[np.abs(flow + c)], axis=2)
        T = root[:, None] * row * root[None, :]
        Z[W] = np.sum((T @ T) ** 2)
        Z[-W] = Z[W]
    return Z


def ln_z(beta):
    return np.log(sum(sectors(beta).values()))


if __name__ == "__main__":
    for beta in [float(x) for x in sys.argv[1:]] or [0.5, 1.0]:
        Z = sectors(beta)
        h = 2e-3
        slope = (8 * (ln_z(beta + h) - ln_z(beta - h)) - ln_z(beta + 2 * h) + ln_z(beta - 2 * h)) / (12 * h)
        total = sum(Z.values())
        W2 = sum(W * W * z for W, z in Z.items()) / total
        print(f"{{{beta}, {np.log(total):.10f}, {-slope / L**2:.9f}, {W2 / beta:.9f}}},")
