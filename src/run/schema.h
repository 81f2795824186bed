/* The schema of a config: the keys of every module and every registered plug-in. */
#ifndef KAD_RUN_SCHEMA_H
#define KAD_RUN_SCHEMA_H

#include "io/config.h"
#include "models/action.h"

/* Sections in the order of the reference. */
#define KAD_SECTIONS "lattice action family flow train sample bulk"

/* Add the keys of an action, which have an effect with it only; all that actions share, and
 * those of every registered one. */
void kad_action_add_keys(kad_schema *schema, const kad_action_ops *ops);
void kad_action_schema(kad_schema *schema);

/* Fill an empty schema. */
void kad_cli_schema(kad_schema *schema);
/* The same with the keys of one action only (init); NULL: all. */
void kad_cli_schema_of(kad_schema *schema, const char *action);
/* Of runs on images: these keys are all that they know. */
void kad_images_schema(kad_schema *schema);

#endif
