/* Training on data: what is refused. */
#include "tests/support/claim.h"
#include "tests/train/data_case.h"

#include <fcntl.h>
#include <unistd.h>

enum { L = DATA_CASE_L, N = DATA_CASE_N };

static void damaged_files_are_refused(void **state)
{
    (void)state;
    data_case f;
    data_case_open(&f, 40);
    const char *none[] = {"train.steps=1", NULL};
    const char *other[] = {"data.dataset=/absent", NULL};
    const char *group[] = {"data.dataset=/", NULL};
    const char *large[] = {"data.components=2", NULL};
    const char *whole[] = {"data.block=1000", NULL};
    data_case_refuses(&f, other, KAD_EDATA, "/absent");
    data_case_refuses(&f, group, KAD_EDATA, f.file);
    data_case_refuses(&f, large, KAD_EDATA,
                      "expected samples [n, 2, 4, 4], found [40, 4, 4]");
    data_case_refuses(&f, whole, KAD_EDATA, "data.held_out 0.1 of 40 samples");
    const char *grid[] = {"data.dequantise=1", NULL};
    data_case_refuses(&f, grid, KAD_EDATA, "data.dequantise: 1, but sample 0 holds");
    double x[3 * N] = {0};
    const size_t wrong[3] = {3, N, 1}, right[3] = {3, L, L};
    data_case_write(&f, "/configs", 3 * N, 3, wrong, x);
    data_case_refuses(&f, none, KAD_EDATA, "[3, 16, 1]");
    x[2 * N + 1] = NAN;
    data_case_write(&f, "/configs", 3 * N, 3, right, x);
    data_case_refuses(&f, none, KAD_EDATA, "sample 2");
    assert_int_equal(truncate(f.file, 700), 0);
    data_case_refuses(&f, none, KAD_EDATA, f.file);
    const int fd = open(f.file, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0 && write(fd, "no HDF5\n", 8) == 8);
    close(fd);
    data_case_refuses(&f, none, KAD_EDATA, f.file);
    assert_int_equal(unlink(f.file), 0);
    data_case_refuses(&f, none, KAD_ENOINPUT, f.file);
    scratch_remove(&f.folder);
}

/* What needs an action says so. */
static void contradictions_are_refused(void **state)
{
    (void)state;
    data_case f;
    data_case_open(&f, 40);
    const char *cases[][4] = {
        {"train.ladder=true", NULL, "train.ladder needs an action"},
        {"train.anneal_key=beta", "train.anneal_start=1",
         "train.anneal_key needs an action"},
        {"flow.decimation=true", NULL, "flow.decimation"},
        {"flow.translation=true", NULL, "flow.translation"},
        {"train.loss=reverse", NULL, "train.loss: reverse"},
        {"train.data=other.h5", NULL, "train.data"},
        {"action.name=phi4", "data.components=3", "data.components: 3"},
        {"action.name=phi4", "data.dequantise=1", "data.dequantise: 1, but action phi4"},
        {"train.patience=2", "data.validation=0", "data.validation: 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *more[] = {cases[i][0], cases[i][1], NULL};
        data_case_refuses(&f, more, KAD_ECONFIG, cases[i][2]);
    }
    const char *family[] = {"action.name=phi4",
                            "action.m2=1",
                            "action.lambda=1",
                            "family.along=m2",
                            "family.range=[0.5, 1.5]",
                            "flow.recipe=fourier",
                            NULL};
    data_case_refuses(&f, family, KAD_ECONFIG, "samples are of one coupling");
    snprintf(f.source, sizeof f.source, "action.name=none");
    const char *nothing[] = {NULL};
    data_case_refuses(&f, nothing, KAD_ECONFIG, "data.source names no samples");
    scratch_remove(&f.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("data: damaged files are refused in one line", damaged_files_are_refused),
        CLAIM("data: what needs an action is refused without one",
              contradictions_are_refused),
    };
    return cmocka_run_group_tests_name("training on data: refusals", tests, NULL, NULL);
}
