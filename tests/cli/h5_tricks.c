/* Change a results file as a prank or an accident might, through the HDF5 library:
 *   h5_tricks FILE links     soft, dangling and external links among the groups
 *   h5_tricks FILE cycle     groups that contain themselves, by hard links
 *   h5_tricks FILE escapes   attributes with control characters and bytes that are no UTF-8
 *   h5_tricks FILE names     a member whose name would steer a terminal */
#include <hdf5.h>
#include <stdio.h>
#include <string.h>

static void links(hid_t file)
{
    H5Lcreate_soft("/samplers/mis", file, "/samplers/other", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/nowhere", file, "/samplers/gone", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/nowhere", file, "/samplers/mis/observables/gone", H5P_DEFAULT,
                   H5P_DEFAULT);
    H5Lcreate_soft("/nowhere", file, "/analysis/gone", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("/etc/passwd", "/x", file, "/samplers/outside", H5P_DEFAULT,
                       H5P_DEFAULT);
}

static void cycle(hid_t file)
{
    char path[64];
    for (char name = 'a'; name <= 'f'; name++) {
        snprintf(path, sizeof path, "/samplers/%c", name);
        H5Lcreate_hard(file, "/samplers", file, path, H5P_DEFAULT, H5P_DEFAULT);
    }
}

static void set_text(hid_t file, const char *name, const char *value)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    if (H5Aexists(file, name) > 0) H5Adelete(file, name);
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, &value);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

static void escapes(hid_t file)
{
    set_text(file, "title", "\x1b[2J\x1b]0;owned\x07\nnext");
    set_text(file, "model",
             "\xff\xfe\x9b"
             "31m");
    set_text(file, "host",
             "\xc2\x9b"
             "31m");
}

static void names(hid_t file)
{
    H5Gclose(
        H5Gcreate2(file, "/samplers/\x1b[2J", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

int main(int argc, char **argv)
{
    hid_t file = argc > 2 ? H5Fopen(argv[1], H5F_ACC_RDWR, H5P_DEFAULT) : -1;
    if (file < 0) return 1;
    if (strcmp(argv[2], "links") == 0) links(file);
    if (strcmp(argv[2], "cycle") == 0) cycle(file);
    if (strcmp(argv[2], "escapes") == 0) escapes(file);
    if (strcmp(argv[2], "names") == 0) names(file);
    return H5Fclose(file) < 0;
}
