#!/usr/bin/env bash
# Features of Inception-v3 against PyTorch's, with random weights; and what is said of files that
# hold no such weights. Prints TAP; skipped without torch and h5py.
#
# Environment, set by make: KAD_SRCDIR, KAD_BUILDDIR.
set -u
top=$(cd "${KAD_SRCDIR:-.}" && pwd)
build=$(cd "${KAD_BUILDDIR:-.}" && pwd)
python=
for candidate in ${KAD_PYTHON:-python3 /usr/bin/python3}; do
    "$candidate" -c 'import h5py, torch' 2>/dev/null && python=$candidate && break
done
if [ -z "$python" ]; then
    echo "1..0 # SKIP no python3 with h5py and torch"
    exit 0
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/kadanoff-inception.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
echo "1..8"
number=0
result() { # RC TEXT
    number=$((number + 1))
    [ "$1" -eq 0 ] && echo "ok $number - $2" || echo "not ok $number - $2"
}
features=$build/tests/features/inception_features
reference=$top/tests/features/inception.py
kadanoff=$build/kadanoff
export PYTHONDONTWRITEBYTECODE=1

"$python" "$reference" make weights.pth pictures 20 32 3 features.npy | sed 's/^/# /' &&
    "$python" "$top/examples/inception.py" weights.pth weights.h5 | grep -q '470 parameters'
result $? "inception: weights are brought from PyTorch's file to HDF5"
"$features" weights.h5 pictures 20 32 3 1 >one.txt &&
    "$python" "$reference" compare features.npy one.txt | sed 's/^/# /'
result "${PIPESTATUS[0]}" "inception: 2048 features of pictures are PyTorch's"
"$features" weights.h5 pictures 20 32 3 2 2>/dev/null | cmp - one.txt
result $? "inception: the same to the byte on more threads"

cat >small.yaml <<'END'
data: {source: msds1, limit: 16, crop: 16}
flow: {hidden: 8}
train: {seconds: 0, steps: 4, batch: 64, eval_samples: 16, eval_final: 16}
images: {samples: 8, coding: 0, inpaint: 0, receptive: 0, rows: 0, attribute_images: 0,
  latents: 0, fid_images: 4, fid: weights.h5}
END
digest=$(sha256sum weights.h5 | cut -d' ' -f1)
"$kadanoff" run small.yaml -o run >out.txt 2>&1 && grep -q '^FID of 4 samples' out.txt &&
    grep -q "${digest:0:12}" out.txt &&
    h5dump -a /images/fid/weights_sha256 run/run.h5 | grep -q "$digest" &&
    grep -q '<h2>FID</h2>' run/report.html
result $? "inception: a run says its FID, with the digest of the weights"
sed -n '/^FID/s/^/# /p' out.txt
"$kadanoff" run small.yaml -o no images.fid=nowhere.h5 2>err.txt
[ $? -eq 66 ] && [ "$(wc -l <err.txt)" -eq 1 ] && [ ! -e no/images.h5 ]
result $? "inception: weights that are not there are told before anything is trained"
change() { # change PARAMETER VALUE [PARAMETER VALUE]: its first number, in a copy
    cp weights.h5 changed.h5
    "$python" -c 'import sys, h5py
with h5py.File("changed.h5", "r+") as f:
    for name, value in zip(sys.argv[1::2], sys.argv[2::2]):
        f[name][0] = float(value)' "$@"
    "$kadanoff" bulk run images.fid=changed.h5 2>err.txt >/dev/null
    [ $? -eq 65 ] && [ "$(wc -l <err.txt)" -eq 1 ]
}
change Mixed_5b.branch1x1.bn.bias nan && grep -q 'Mixed_5b.branch1x1.bn.bias: holds nan' err.txt &&
    change Mixed_5b.branch1x1.bn.running_var -1 && grep -q 'bn.running_var: holds -1' err.txt
result $? "inception: weights that are none are refused by their name"
change Conv2d_1a_3x3.bn.weight 1e30 Conv2d_2a_3x3.conv.weight 1e30 && grep -q 'are not finite' err.txt
result $? "inception: features beyond single precision are no features"
"$python" - <<'END'
import h5py
with h5py.File("weights.h5", "r+") as f:
    del f["Mixed_7b.branch3x3_2a.bn.bias"]
END
"$kadanoff" bulk run images.fid_images=5 2>err.txt >/dev/null
[ $? -eq 65 ] && [ "$(wc -l <err.txt)" -eq 1 ] &&
    grep -q 'weights.h5: no data set /Mixed_7b.branch3x3_2a.bn.bias' err.txt &&
    { "$kadanoff" run small.yaml -o early >/dev/null 2>err.txt; [ $? -eq 65 ]; } &&
    [ "$(wc -l <err.txt)" -eq 1 ] && [ ! -e early/images.h5 ]
result $? "inception: a file without one of the parameters is refused by its name"
