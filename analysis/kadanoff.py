"""Read the runs of kadanoff.

    import kadanoff
    run = kadanoff.Run("ising-16")      # a run folder, or its run.h5
    run.table()                         # means with errors (pandas)
    run.series("mis")                   # what was drawn, [chain, draw] (xarray)
    kadanoff.table("sweep/T=*")         # many runs in one table
    kadanoff.Sweep("sweep").dataset()   # a sweep over its keys (xarray)

One file that needs h5py and numpy; xarray, pandas, arviz and pyerrors only where a method
says so. doc/fileformat.md tells what the groups and their columns mean.
"""

import csv
import glob
import importlib
import json
import os
import re

import h5py
import numpy as np

__all__ = ["Run", "Sweep", "runs", "table"]

FORMAT_VERSION = 3

_PACKAGES = {"xarray": "python3-xarray", "pandas": "python3-pandas"}


def _need(module):
    """The optional module, or an ImportError of one line."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package = _PACKAGES.get(module)
        how = f"apt-get install {package}" if package else f"pip install {module}"
        raise ImportError(f"kadanoff: this needs {module} ({how})") from None


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


def _attributes(item):
    """Without those that make dimension scales."""
    hidden = {"CLASS", "NAME", "DIMENSION_LIST", "DIMENSION_LABELS", "REFERENCE_LIST"}
    return {k: _text(v) for k, v in item.attrs.items() if k not in hidden}


def _values(dataset):
    """As numpy, texts as str."""
    if h5py.check_string_dtype(dataset.dtype):
        text = dataset.asstr()[...]
        return np.asarray(text, dtype=object) if dataset.shape else str(text)
    return dataset[...]


def _is_dimension(dataset):
    """A dimension of netCDF's kind, a name and a length without values?"""
    name = _text(dataset.attrs.get("NAME", b""))
    return str(name).startswith("This is a netCDF dimension but not a netCDF variable")


def _dimensions(dataset):
    """Names of the axes; of files of version 1, which lack some, the labels."""
    names = []
    for axis, dimension in enumerate(dataset.dims):
        if h5py.h5ds.is_scale(dataset.id):
            name = dataset.name
        elif len(dimension) > 0:
            name = dimension[0].name
        else:
            name = dimension.label or f"n{dataset.shape[axis]}"
        name = name.rsplit("/", 1)[-1]
        while name in names:
            name += "_2"
        names.append(name)
    return names


class Run:
    """A run folder, or a results file. Nothing is kept open."""

    def __init__(self, path):
        path = os.fspath(path)
        self.file = os.path.join(path, "run.h5") if os.path.isdir(path) else path
        self.path = os.path.dirname(self.file) or "."
        with self._open() as f:
            self.attrs = _attributes(f)
            if "format_version" not in self.attrs:
                raise ValueError(f"{self.file}: not the results of kadanoff")
            self.version = int(self.attrs["format_version"])
            if self.version > FORMAT_VERSION:
                raise ValueError(
                    f"{self.file}: format_version {self.version} is newer than this reader's "
                    f"{FORMAT_VERSION}"
                )
            config = np.ravel(_values(f["config/resolved"]))[0]
            order = {}
            for name, group in f.get("samplers", {}).items():
                order[name] = int(group.attrs.get("entry", 0))
        self.config = json.loads(config)
        #: names of the samplers, in the order of the config
        self.samplers = sorted(order, key=lambda name: (order[name], name))

    def __repr__(self):
        return f"<kadanoff.Run {self.path}: {self.attrs.get('model', '')}>"

    def _open(self):
        if not os.path.exists(self.file):
            raise FileNotFoundError(f"{self.file}: there is no such file")
        return h5py.File(self.file, "r")

    def _find(self, f, name):
        if name not in f:
            raise KeyError(f"{self.file}: there is no /{name.strip('/')}")
        return f[name]

    def key(self, name):
        """A key of the config ("action.temperature", "sample[0].draws"), or an attribute of
        the run ("temperature", "seed", "status", ...)."""
        value = self.config
        try:
            for part in re.findall(r"[^.\[\]]+", name):
                value = value[int(part) if isinstance(value, list) else part]
            return value
        except (KeyError, IndexError, TypeError, ValueError):
            pass
        last = name.rsplit(".", 1)[-1]
        if last in self.attrs:
            return self.attrs[last]
        raise KeyError(f"{self.file}: neither a key nor an attribute: {name}")

    # --- xarray -------------------------------------------------------------------------

    def group(self, name):
        """Any group of the file as an xarray.Dataset: its own datasets, their coordinates
        (those of the groups above too), attributes."""
        return self._dataset(name, None)

    def _dataset(self, name, only):
        """Of all datasets of the group, or of those named that are there."""
        xarray = _need("xarray")
        variables, coordinates = {}, {}
        with self._open() as f:
            group = self._find(f, name)
            for key, item in group.items():
                if only is not None and key not in only:
                    continue
                if isinstance(item, h5py.Dataset) and not _is_dimension(item):
                    variables[key] = (_dimensions(item), _values(item), _attributes(item))
                    self._coordinates(item, coordinates)
            attributes = _attributes(group)
        for key in set(coordinates) & set(variables):
            coordinates[key] = variables.pop(key)
        return xarray.Dataset(variables, coordinates, attributes)

    @staticmethod
    def _coordinates(dataset, out):
        if h5py.h5ds.is_scale(dataset.id):
            return
        for dimension, name in zip(dataset.dims, _dimensions(dataset)):
            if len(dimension) > 0 and not _is_dimension(dimension[0]):
                out[name] = ([name], _values(dimension[0]), _attributes(dimension[0]))

    def series(self, sampler, proposals=False):
        """The draws of a sampler: one variable an observable [chain, draw], rows of values
        [chain, draw, r]. They follow the model; with proposals=True those that mis proposed,
        which follow it only with exp(log_weight), here too. Draws of direct are proposals.
        """
        where = f"samplers/{sampler}"
        header = self._dataset(where, ("accepted", "acceptance", "delta_h"))
        weighted = header.attrs.get("weighted", 0) == 1
        both = header.attrs.get("proposals", 0) == 1
        if proposals and not weighted:
            raise ValueError(f"{self.file}: {sampler} has no proposals with weights")
        of_proposals = weighted and (proposals or not both)
        if self.version > 2 or not of_proposals:
            out = self.group(where + ("/proposals" if of_proposals else "/observables"))
        else:  # up to version 2 the weights lay beside the chain's series
            out = self.group(where + ("/proposals" if both else "/observables"))
            out.update(self._dataset(where, ("log_weight", "action")))
        for name in header:
            out[name] = header[name]
        out.attrs = header.attrs
        return out

    def correlator(self, sampler, full=False):
        """G(r) and C(k) with errors, effective masses, the covariance of G; full: on all
        displacements and momenta up to symmetry."""
        return self.group(f"correlators/boundary/{sampler}" + ("/full" if full else ""))

    def family(self):
        """The curve of a family of maps over its coupling `value`: NAME and NAME_err of every
        estimate, NAME_exact where it is known (.to_dataframe() for pandas)."""
        return self.group("family")

    # --- pandas -------------------------------------------------------------------------

    def _frame(self, name, index):
        pandas = _need("pandas")
        with self._open() as f:
            group = self._find(f, name)
            n = group[index].shape
            columns = {
                key: _values(item)
                for key, item in group.items()
                if isinstance(item, h5py.Dataset)
                and item.shape == n
                and not _is_dimension(item)
            }
        return pandas.DataFrame(columns).set_index(index)

    def table(self, samplers=None, reweighted=False):
        """Means with errors, a row a sampler and observable: mean, err, exact, pull, tau_int,
        n_eff, rhat, flag (why err is NaN), ... reweighted: of proposals, by their weights."""
        pandas = _need("pandas")
        end = "_reweighted" if reweighted else ""
        frames = {}
        with self._open() as f:
            analysed = set(f.get("analysis", {}))
        for name in [samplers] if isinstance(samplers, str) else samplers or self.samplers:
            if name + end in analysed:
                frames[name] = self._frame(f"analysis/{name}{end}", "observable")
            elif samplers:
                raise KeyError(f"{self.file}: there is no /analysis/{name}{end}")
        if not frames:
            raise KeyError(f"{self.file}: nothing has been analysed yet")
        first = ["mean", "err", "exact", "pull", "tau_int", "tau_int_err", "n_eff", "flag"]
        whole = pandas.concat(frames, names=["sampler"])
        return whole[first + [c for c in whole.columns if c not in first]]

    def log_z(self, sampler=None):
        """ln Z, its bounds, ESS and acceptance from the weights: mean, err, exact, ...; of
        the sampler that comes first, or of another one."""
        name = "log_z" if sampler is None else f"log_z_{sampler}"
        if sampler is not None:
            with self._open() as f:
                if "analysis/log_z" in f:
                    own = _text(f["analysis/log_z"].attrs.get("sampler", ""))
                    name = "log_z" if own == sampler else name
        return self._frame(f"analysis/{name}", "observable")

    def training(self):
        """The history of the training, a row a logged step."""
        return self._frame("training", "step")

    # --- other programs -----------------------------------------------------------------

    def _chain(self, sampler):
        series = self.series(sampler)
        if "log_weight" in series:
            raise ValueError(
                f"{self.file}: draws of {sampler} follow the model only with their weights: "
                "not a Markov chain"
            )
        return series

    def arviz_groups(self, sampler):
        """What ArviZ makes its InferenceData of: {group: {name: [chain, draw, ...]}}."""
        series = self._chain(sampler)
        statistics = ("accepted", "acceptance", "delta_h")
        groups = {
            "posterior": {k: v.values for k, v in series.items() if k not in statistics},
            "sample_stats": {k: series[k].values for k in statistics if k in series},
        }
        if "action" in series:
            groups["sample_stats"]["lp"] = -series["action"].values
        return {k: v for k, v in groups.items() if v}

    def to_arviz(self, sampler):
        """arviz.InferenceData (a DataTree from ArviZ 1 on)."""
        arviz = _need("arviz")
        groups = self.arviz_groups(sampler)
        if int(arviz.__version__.split(".")[0]) >= 1:
            return arviz.from_dict(groups)
        return arviz.from_dict(**groups)

    def pyerrors_samples(self, sampler, observable):
        """What pyerrors makes an Obs of: the chains and their names, a replicum each. Samplers
        and runs are ensembles of their own."""
        values = self._chain(sampler)[observable]
        if values.ndim != 2:
            raise ValueError(f"{self.file}: {observable} is a row of values a draw")
        ensemble = f"{self.attrs['uuid']}/{sampler}"
        return (
            [np.asarray(chain, dtype=float) for chain in values.values],
            [f"{ensemble}|r{i:04d}" for i in range(values.shape[0])],
        )

    def to_pyerrors(self, sampler, observable):
        """pyerrors.Obs of a chain's observable, its error not yet estimated."""
        pyerrors = _need("pyerrors")
        return pyerrors.Obs(*self.pyerrors_samples(sampler, observable))


def _number(text):
    """A value of a key, as a number where it is one."""
    try:
        return float(text) if text != "" else np.nan
    except ValueError:
        return text


class Sweep:
    """The folder of a sweep. Its runs are read where they lie; `kadanoff sweep table` makes
    the files that table and dataset read, `kadanoff sweep analyse` those of curves too."""

    def __init__(self, path):
        self.path = os.fspath(path)
        name = os.path.join(self.path, "points.csv")
        if not os.path.exists(name):
            raise FileNotFoundError(f"{name}: there is no such file")
        with open(name, newline="", encoding="utf-8") as f:
            head, *rows = csv.reader(f)
        #: names of the keys that vary
        self.keys = head[2:]
        self._rows = {int(row[0]): row[1:] for row in rows}

    def __repr__(self):
        return f"<kadanoff.Sweep {self.path}: {len(self._rows)} points over {self.keys}>"

    @property
    def points(self):
        """Number, folder and values of every point (pandas)."""
        pandas = _need("pandas")
        frame = pandas.DataFrame.from_dict(
            {n: [row[0], *map(_number, row[1:])] for n, row in self._rows.items()},
            orient="index",
            columns=["folder", *self.keys],
        )
        return frame.rename_axis("point")

    def run(self, point):
        """The run of a point, by its number."""
        return Run(os.path.join(self.path, self._rows[point][0]))

    def runs(self):
        """{number: Run} of all points that have results so far."""
        found = {n: os.path.join(self.path, row[0]) for n, row in self._rows.items()}
        return {n: Run(p) for n, p in found.items() if os.path.exists(f"{p}/run.h5")}

    def _made(self, name):
        path = os.path.join(self.path, name)
        if not os.path.exists(path):
            raise FileNotFoundError(f"{path}: not made yet: kadanoff sweep analyse")
        return path

    def table(self):
        """All estimates, a row each: point, keys, series, observable, mean, err, ..."""
        return _need("pandas").read_csv(self._made("table.csv"))

    def curves(self):
        """`kadanoff sweep analyse`: curves between the points, a row a value and quantity:
        keys, series, observable, mean, err, exact, n_eff (pandas)."""
        return _need("pandas").read_csv(self._made("curves.csv"))

    def curve(self, series, group=None):
        """A curve of a sampler over the coupling (xarray): NAME, NAME_err, NAME_exact
        [value], NAME_blocks [value, block]; group: which of the other keys ("shape=8x8"),
        needed where there are several."""
        xarray = _need("xarray")
        path = self._made("sweep.h5")
        with h5py.File(path, "r") as f:
            found = sorted(f.get("curves", {}))
            if not found:
                raise KeyError(f"{path}: no curves yet: kadanoff sweep analyse")
            if group is None and len(found) == 1:
                group = found[0]
            if group not in found or series not in f[f"curves/{group}"]:
                known = ", ".join(f"{g}/{s}" for g in found for s in f[f"curves/{g}"])
                raise KeyError(f"{path}: no curve {group}/{series}, but {known}")
            items = f[f"curves/{group}/{series}"]
            columns = {
                key: (_dimensions(item), _values(item), _attributes(item))
                for key, item in items.items()
                if isinstance(item, h5py.Dataset) and not _is_dimension(item)
            }
            attributes = {**_attributes(items.parent), **_attributes(items)}
        coordinates = {key: columns.pop(key) for key in ("value", "block")}
        return xarray.Dataset(columns, coordinates, attributes)

    def dataset(self, series="log_z"):
        """The estimates of a series over the keys and `observable`: mean, err, tau_int,
        n_eff, exact, folder; NaN where no point is, or none is complete."""
        xarray = _need("xarray")
        with h5py.File(self._made("sweep.h5"), "r") as f:
            name = f"results/{series}"
            if name not in f:
                known = ", ".join(f["results"])
                raise KeyError(f"{self.path}/sweep.h5: no series {series}, but {known}")
            group = f[name]
            observable = list(_values(group["observable"]))
            columns = {
                key: (("point", "observable"), _values(item), _attributes(item))
                for key, item in group.items()
                if isinstance(item, h5py.Dataset) and item.ndim == 2
            }
            number = _values(f["points/point"])
        rows = [self._rows[int(n)] for n in number]
        columns["folder"] = ("point", [row[0] for row in rows])
        coordinates = {"observable": observable}
        for k, key in enumerate(self.keys):
            coordinates[key] = ("point", [_number(row[1 + k]) for row in rows])
        whole = xarray.Dataset(columns, coordinates)
        if len(self.keys) == 1:
            return whole.swap_dims(point=self.keys[0])
        return whole.set_index(point=self.keys).unstack("point")


def runs(pattern):
    """The runs whose folders match a pattern ("sweep/T=*"), in the order of their names,
    numbers within them by value."""

    def by_value(path):
        parts = re.split(r"(-?\d+(?:\.\d+)?)", path)
        return [(p, 0.0) if i % 2 == 0 else ("", float(p)) for i, p in enumerate(parts)]

    paths = sorted(glob.glob(os.fspath(pattern)), key=by_value)
    found = [p for p in paths if os.path.isfile(p) or os.path.exists(f"{p}/run.h5")]
    if not found:
        raise FileNotFoundError(f"{pattern}: no run there")
    return [Run(p) for p in found]


def table(pattern, keys=(), samplers=None, reweighted=False):
    """Run.table of many runs in one, the index led by the folder and the named keys of their
    configs; runs that have not been analysed yet are left out."""
    pandas = _need("pandas")
    frames, index = [], []
    for run in runs(pattern):
        try:
            frames.append(run.table(samplers, reweighted))
        except KeyError:
            continue
        index.append((run.path, *(run.key(key) for key in keys)))
    if not frames:
        raise KeyError(f"{pattern}: nothing has been analysed yet")
    return pandas.concat(frames, keys=index, names=["run", *keys])
