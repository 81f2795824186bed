"""Claims about results files and analysis/kadanoff.py; the body of reader.sh, which makes
run-small and run-bonds. Prints TAP."""

import shutil
import subprocess
import sys
import traceback

import h5netcdf
import h5py
import kadanoff
import netCDF4
import numpy as np
import xarray

FILES = ["run-small/run.h5", "run-bonds/run.h5"]


def groups(name):
    found = ["/"]
    with h5py.File(name) as f:
        f.visititems(lambda n, o: found.append(n) if isinstance(o, h5py.Group) else None)
    return found


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype == object or b.dtype == object:
        return a.shape == b.shape and [str(x) for x in a.flat] == [str(x) for x in b.flat]
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def plain(dataset):
    text = h5py.check_string_dtype(dataset.dtype)
    return dataset.asstr()[...] if text else dataset[...]


def every_axis_has_a_scale():
    n = 0
    for name in FILES:
        with h5py.File(name) as f:
            for group in groups(name):
                for item in f[group].values():
                    if isinstance(item, h5py.Group) or h5py.h5ds.is_scale(item.id):
                        continue
                    for axis in item.dims:
                        n += 1
                        assert len(axis) == 1, f"{item.name}: {len(axis)} scales"
    assert n > 300, n


def axes_that_mean_something_have_names():
    with h5py.File(FILES[0]) as f:
        for group in groups(FILES[0]):
            if group.startswith("flow/params"):
                continue
            for item in f[group].values():
                for name in [] if isinstance(item, h5py.Group) else kadanoff._dimensions(item):
                    assert not (name[0] == "n" and name[1:].isdigit()), f"{item.name}: {name}"


def everything_is_described():
    n = 0
    for name in FILES:
        with h5py.File(name) as f:
            for group in groups(name):
                if group.startswith("flow/params"):
                    continue  # named like the code
                for item in f[group].values():
                    if isinstance(item, h5py.Group) or kadanoff._is_dimension(item):
                        continue
                    n += 1
                    assert item.attrs.get("long_name"), item.name
                    words = h5py.check_string_dtype(item.dtype)
                    assert words or item.attrs.get("units"), item.name
    assert n > 300, n


def stores(name, engine):
    """A function from a group to its store: the file is opened once for all groups."""
    if engine == "netcdf4":
        whole, store = netCDF4.Dataset(name), xarray.backends.NetCDF4DataStore
    else:
        whole = h5netcdf.File(name, "r", decode_vlen_strings=True)
        store = xarray.backends.H5NetCDFStore
    return lambda group: store(whole if group == "/" else whole[group])


def opens_with(engine):
    n = 0
    for name in FILES:
        with xarray.open_dataset(name, group="analysis/mis", engine=engine) as data:
            assert data["mean"].dims == ("observable",)
        store = stores(name, engine)
        with h5py.File(name) as f:
            for group in groups(name):
                data = xarray.open_dataset(store(group), decode_cf=False)
                for key, variable in data.variables.items():
                    n += 1
                    path = f"{group}/{key}"
                    assert same(variable.values, plain(f[path])), path
                    for dimension in variable.dims:
                        assert "phony" not in dimension, path
                for key, item in f[group].items():
                    hidden = isinstance(item, h5py.Group) or kadanoff._is_dimension(item)
                    assert hidden or key in data.variables, f"{group}/{key}"
    assert n > 300, n


def ncdump_reads_it():
    for name in FILES:
        text = subprocess.run(["ncdump", name], capture_output=True, text=True)
        assert text.returncode == 0, text.stderr
        with h5py.File(name) as f:
            mean = f["analysis/mis/mean"][0]
        header, _, body = text.stdout.partition("group: analysis {")
        assert f"{mean:.12g}"[:10] in body, mean
        assert "phony_dim" not in text.stdout


def run_knows_its_config():
    run = kadanoff.Run("run-small")
    assert run.samplers == ["mis", "cluster", "direct", "cycle"], run.samplers
    assert run.key("action.temperature") == 3.0
    assert run.key("sample[1].draws") == 100
    assert run.key("status") == "complete" and run.key("seed") == 42
    for name in ("action.temprature", "sample[9].draws"):
        try:
            run.key(name)
            raise AssertionError(name)
        except KeyError as error:
            assert "\n" not in str(error)


def series_are_the_chain():
    run = kadanoff.Run("run-small")
    series = run.series("mis")
    with h5py.File(FILES[0]) as f:
        group = f["samplers/mis"]
        assert same(series["energy"], group["observables/energy"])
        assert same(series["accepted"], group["accepted"])
        assert "log_weight" not in series, "weights of proposals beside the chain"
        proposals = run.series("mis", proposals=True)
        assert same(proposals["energy"], group["proposals/energy"])
        assert same(proposals["log_weight"], group["proposals/log_weight"])
        assert same(proposals["action"], group["proposals/action"])
    assert "log_weight" in run.series("direct")
    assert series["correlator_axis"].dims == ("chain", "draw", "r")
    assert series["energy"].units == "1" and "draw" in series.coords
    # the chain holds its state where a proposal is rejected, and is it where accepted
    accepted = series["accepted"].values.astype(bool)
    energy, proposed = series["energy"].values, proposals["energy"].values
    assert np.array_equal(energy[accepted], proposed[accepted])
    stays = ~accepted[:, 1:]
    assert np.array_equal(energy[:, 1:][stays], energy[:, :-1][stays])


def means_of_series_are_the_tables():
    run = kadanoff.Run("run-small")
    table = run.table()
    for sampler in ("mis", "cluster"):
        for name in ("energy", "abs_m", "m2"):
            mean = float(run.series(sampler)[name].mean())
            assert abs(table.loc[(sampler, name), "mean"] - mean) < 1e-12, (sampler, name)
    with h5py.File(FILES[0]) as f:
        names = f["analysis/cluster/observable"].asstr()[:]
        assert same(table.loc["cluster", "err"], f["analysis/cluster/err"])
        assert list(table.loc["cluster"].index) == list(names)
    # reweighted: the proposals' weights give the table's ratio
    proposals = run.series("mis", proposals=True)
    w = np.exp(proposals["log_weight"] - proposals["log_weight"].max())
    mean = float((w * proposals["m2"]).sum() / w.sum())
    reweighted = run.table("mis", reweighted=True).loc[("mis", "m2"), "mean"]
    assert abs(reweighted - mean) < 1e-12 * abs(mean), (reweighted, mean)
    with h5py.File(FILES[0]) as f:
        assert same(run.log_z()["mean"], f["analysis/log_z/mean"])
        assert same(run.log_z("direct")["mean"], f["analysis/log_z_direct/mean"])
        assert same(run.training()["loss"], f["training/loss"])


def correlators_and_groups():
    run = kadanoff.Run("run-small")
    g = run.correlator("cluster")
    assert g["G"].dims == ("r",) and g["cov"].dims == ("r", "r_2")
    assert "r" in g.coords and list(g["r"].values) == [0, 1, 2]
    full = run.correlator("mis", full=True)
    assert full["k_vector"].dims == ("k", "axis")
    agreement = run.group("agreement")
    assert agreement["value"].dims == ("observable", "sampler")
    assert set(agreement["sampler"].values) >= {"cluster"}
    for name in ("/", "bulk/pictures", "geodesics", "training/eval", "exact"):
        run.group(name)


def many_runs_in_one_table():
    shutil.copytree("run-small", "T=10")
    shutil.copytree("run-small", "T=9.5")
    names = [run.path for run in kadanoff.runs("T=*")]
    assert names == ["T=9.5", "T=10"], names
    table = kadanoff.table("T=*", keys=["action.temperature"], samplers="mis")
    assert table.index.names == ["run", "action.temperature", "sampler", "observable"]
    assert len(table) == 2 * len(kadanoff.Run("run-small").table("mis"))


def older_files_are_read_newer_refused():
    shutil.copy(FILES[0], "other.h5")
    with h5py.File("other.h5", "a") as f:
        f.attrs["format_version"] = 1
        text = f["config/resolved"].asstr()[()]
        del f["config/resolved"]
        f["config/resolved"] = [text]
        for name in list(f["analysis/mis"]):
            item = f["analysis/mis"][name]
            if item.shape == f["analysis/mis/mean"].shape and name != "observable":
                item.dims[0].detach_scale(f["analysis/mis/observable"])
    old = kadanoff.Run("other.h5")
    assert old.key("action.temperature") == 3.0
    assert old.table("mis").equals(kadanoff.Run("run-small").table("mis"))
    assert old.group("analysis/mis")["mean"].dims == ("observable",)
    # weights and actions beside the chain, draws of direct among the observables
    new = kadanoff.Run("run-small")
    with h5py.File("other.h5", "a") as f:
        f.attrs["format_version"] = 2
        for name in ("mis", "direct"):
            for column in ("log_weight", "action"):
                f.move(f"samplers/{name}/proposals/{column}", f"samplers/{name}/{column}")
        f.move("samplers/direct/proposals", "samplers/direct/observables")
    old = kadanoff.Run("other.h5")
    assert old.series("mis").equals(new.series("mis"))
    assert old.series("mis", proposals=True).equals(new.series("mis", proposals=True))
    assert old.series("direct").equals(new.series("direct"))
    with h5py.File("other.h5", "a") as f:
        f.attrs["format_version"] = kadanoff.FORMAT_VERSION + 1
    try:
        kadanoff.Run("other.h5")
        raise AssertionError("a newer format was read")
    except ValueError as error:
        assert "newer" in str(error)


def what_others_make_of_a_chain():
    run = kadanoff.Run("run-small")
    groups = run.arviz_groups("cluster")
    assert groups["posterior"]["energy"].shape == (2, 100)
    chains, names = run.pyerrors_samples("cluster", "energy")
    assert same(chains, run.series("cluster")["energy"])
    assert len(set(names)) == 2 and len({n.split("|")[0] for n in names}) == 1
    for make in (run.arviz_groups, lambda s: run.pyerrors_samples(s, "energy")):
        try:
            make("direct")
            raise AssertionError("weighted draws passed for a chain")
        except ValueError as error:
            assert "weights" in str(error)
    for module, make in (
        ("arviz", lambda: run.to_arviz("cluster").posterior["energy"].values.mean()),
        ("pyerrors", lambda: run.to_pyerrors("cluster", "energy").value),
    ):
        try:
            found = make()
        except ImportError as error:
            assert str(error).startswith(f"kadanoff: this needs {module}"), error
            continue
        assert abs(found - np.mean(chains)) < 1e-12, module


def a_family_over_its_coupling():
    curve = kadanoff.Run("run-family").family()
    assert list(curve["value"].values) == [2.0, 2.25, 2.5]
    assert curve.attrs["family_along"] == "temperature"
    for name in ("energy", "energy_err", "log_z", "log_z_exact", "ess"):
        assert curve[name].dims == ("value",), name
    assert np.all(np.isfinite(curve["energy"]))
    assert curve["log_z_exact"].sel(value=2.25) < curve["log_z_exact"].sel(value=2.0)


def a_sweep_over_its_keys():
    sweep = kadanoff.Sweep("run-sweep")
    assert sweep.keys == ["lattice.shape", "action.temperature"]
    assert list(sweep.points.index) == [1, 2, 3, 4]
    assert sweep.points["action.temperature"].tolist() == [2.5, 3.0, 2.5, 3.0]
    whole = sweep.dataset("mis")["mean"].sel(observable="energy")
    assert whole.sizes == {"lattice.shape": 2, "action.temperature": 2}
    for number, run in sweep.runs().items():
        at = sweep.points.loc[number]
        found = whole.sel({key: at[key] for key in sweep.keys}).item()
        assert found == run.table("mis").loc[("mis", "energy"), "mean"]
        assert run.attrs["temperature"] == at["action.temperature"]
    long = sweep.table()
    rows = long[(long.series == "mis") & (long.observable == "energy")]
    assert len(rows) == 4 and set(rows["point"]) == set(sweep.points.index)


def curves_over_the_coupling():
    sweep = kadanoff.Sweep("run-sweep")
    curve = sweep.curve("cluster", "shape=4x4")
    assert curve["energy"].dims == ("value",) and curve.sizes["value"] == 50
    assert curve.attrs["along"] == "action.temperature" and curve.attrs["extent"] == 4
    pull = (curve["energy"] - curve["energy_exact"]) / curve["energy_err"]
    assert np.all(np.abs(pull) < 5), pull
    blocks = curve["energy_blocks"]
    spread = blocks - blocks.mean("block")
    n = blocks.sizes["block"]
    err = np.sqrt((spread**2).sum("block") * (n - 1) / n)
    assert np.allclose(err, curve["energy_err"])
    long = sweep.curves()
    rows = long[(long.series == "cluster") & (long.observable == "energy")]
    assert set(rows["lattice.shape"]) == {"[2, 4]", "[4, 4]"} and len(rows) == 100
    try:
        sweep.curve("cluster")
        raise AssertionError("there are two groups")
    except KeyError as error:
        assert "shape=2x4/cluster" in str(error), error


def a_missing_package_is_one_line():
    find = kadanoff.importlib.import_module

    def absent(name, *rest):
        raise ImportError(name)

    kadanoff.importlib.import_module = absent
    try:
        kadanoff.Run("run-small").table()
        raise AssertionError("pandas was not asked for")
    except ImportError as error:
        assert str(error) == "kadanoff: this needs pandas (apt-get install python3-pandas)"
    finally:
        kadanoff.importlib.import_module = find


CLAIMS = [
    ("every axis of every dataset has one dimension scale", every_axis_has_a_scale),
    ("every axis but parameters' has a name", axes_that_mean_something_have_names),
    ("every dataset but parameters' has a unit and a description", everything_is_described),
    ("xarray opens every group with h5netcdf", lambda: opens_with("h5netcdf")),
    ("xarray opens every group with netCDF4", lambda: opens_with("netcdf4")),
    ("ncdump prints it", ncdump_reads_it),
    ("a run knows its config", run_knows_its_config),
    ("series are the chain's, weights stand by the proposals", series_are_the_chain),
    ("series give the tables' means, weights too", means_of_series_are_the_tables),
    ("correlators and every other group", correlators_and_groups),
    ("many runs in one table, ordered by number", many_runs_in_one_table),
    ("older versions are read, a newer one refused", older_files_are_read_newer_refused),
    ("chains for ArviZ and pyerrors", what_others_make_of_a_chain),
    ("a family over its coupling", a_family_over_its_coupling),
    ("a sweep over its keys", a_sweep_over_its_keys),
    ("curves between the points of a sweep", curves_over_the_coupling),
    ("a missing package is one line", a_missing_package_is_one_line),
]

print(f"1..{len(CLAIMS)}")
failed = 0
for number, (text, claim) in enumerate(CLAIMS, 1):
    if claim is ncdump_reads_it and shutil.which("ncdump") is None:
        print(f"ok {number} - reader: {text} # SKIP no ncdump")
        continue
    try:
        claim()
        print(f"ok {number} - reader: {text}", flush=True)
    except Exception:
        failed = 1
        print(f"not ok {number} - reader: {text}")
        print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
sys.exit(failed)
