/* The built-in examples: configs compiled into the program. */
#ifndef KAD_CLI_DEMO_H
#define KAD_CLI_DEMO_H

typedef struct kad_demo {
    const char *name;
    const char *summary;
    const char *text; /* YAML */
} kad_demo;

extern const kad_demo kad_demos[]; /* ends with name NULL; the first is the default */

#endif
