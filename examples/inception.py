#!/usr/bin/env python3
"""Weights of Inception-v3 from PyTorch's file to the HDF5 file that images.fid reads.

    inception.py pt_inception-2015-12-05-6726825d.pth inception.h5

The file of weights is that of github.com/mseitzer/pytorch-fid (release fid_weights): the network
of Heusel et al., arXiv:1706.08500, which published FID values are of. Any state dict with the same
names and shapes will do, torchvision's inception_v3 too, but its FID is another number. Needs torch
and h5py."""
import sys

import h5py
import torch

PARAMETERS = ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    state = torch.load(sys.argv[1], map_location="cpu", weights_only=True)
    names = [n for n in state if n.endswith(PARAMETERS) and not n.startswith("AuxLogits")]
    if "Mixed_7c.branch_pool.conv.weight" not in names:
        sys.exit(f"{sys.argv[1]}: no state dict of Inception-v3")
    with h5py.File(sys.argv[2], "w") as file:
        for name in sorted(names):
            file.create_dataset(name, data=state[name].float().numpy(), track_times=False)
    print(f"{sys.argv[2]}: {len(names)} parameters")


if __name__ == "__main__":
    main()
