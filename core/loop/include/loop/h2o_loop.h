/*
 * libh2o's loop behind a cp_loop. For core/http alone: nobody else may know what the loop is made of.
 *
 * What is put on it must be closed, and its timeouts disposed of, before cp_loop_free().
 */
#ifndef LOOP_H2O_LOOP_H
#define LOOP_H2O_LOOP_H

#include "loop/loop.h"

#include <h2o.h>

/* Borrowed; the loop's own thread only. */
h2o_loop_t *cp_loop_h2o(struct cp_loop *loop);

#endif
