;; What is needed to build, for machines with Guix. In the top of the sources:
;;
;;   guix shell -m examples/cluster/manifest.scm
;;   ./bootstrap && mkdir -p build && cd build && ../configure --prefix=$HOME/.local && make install
(specifications->manifest
 (list "gcc-toolchain"
       "make"
       "autoconf"
       "automake"
       "libtool"
       "pkg-config"
       "gsl"
       "fftw"
       "fftwf"
       "hdf5"
       "libyaml"
       "jansson"
       "random123"
       "libpng"))
