/*
 * Ends what the carrier's callbacks failed to end: a call session without news is looked up at the carrier, so that none stays open after a
 * lost callback, a killed server or a dead network. One a process, on one loop; several nodes may do the same work without harm.
 */
#ifndef WEB_RECONCILE_H
#define WEB_RECONCILE_H

#include "web/web.h"

struct cp_reconcile;

/*
 * operator_db: finds open sessions of all tenants. web: of the same loop. quiet_s: without news for so long; a session that the carrier never
 * acknowledged is given up after twice that, one that nothing can be learned of after a day.
 */
int cp_reconcile_new(struct cp_web *web, struct cp_db *operator_db, unsigned quiet_s, struct cp_reconcile **ret_reconcile);
/* What is under way ends without effect; to be called before the fetcher and the databases are freed. Accepts NULL; returns NULL. */
struct cp_reconcile *cp_reconcile_free(struct cp_reconcile *reconcile);

#endif
