# A Spack package: put it into packages/kadanoff of a repository of your own
# (`spack repo create`), set `git` to where the sources are, then `spack install kadanoff`.
import re

from spack.package import *


class Kadanoff(AutotoolsPackage):
    """Learned hierarchical maps of lattice field theories: exact sampling, ln Z, sweeps."""

    homepage = "https://example.org/kadanoff"
    git = "file:///path/to/kadanoff"

    version("main", branch="main")

    variant("png", default=True, description="pictures in the report as PNG")

    depends_on("autoconf", type="build")
    depends_on("automake", type="build")
    depends_on("libtool", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("gsl")
    depends_on("fftw precision=float,double")
    depends_on("hdf5 +hl ~mpi")
    depends_on("libyaml")
    depends_on("jansson")
    depends_on("random123", type="build")
    depends_on("libpng", when="+png")

    def autoreconf(self, spec, prefix):
        Executable("./bootstrap")()

    def configure_args(self):
        args = [f"--with-arch={self.march()}"]
        args += self.with_or_without("png")
        return args

    def march(self):
        """The kernels' instruction set: that of the target which Spack builds for."""
        flags = self.spec.target.optimization_flags(self.compiler)
        found = re.search(r"-march=(\S+)", flags)
        return found.group(1) if found else "generic"

    def setup_build_environment(self, env):
        env.set("H5CC", join_path(self.spec["hdf5"].prefix.bin, "h5cc"))
