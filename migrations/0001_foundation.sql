-- What every later migration stands on: the functions that say for whom and when, and the two serving roles' way in.
-- The roles themselves (callpower_owner, callpower_app, callpower_operator) are made once by deploy/database-roles.sql.

revoke all on schema public from public;
grant usage on schema public to callpower_app, callpower_operator;

-- The tenant that this transaction is bound to, NULL where it is bound to none. After a bound segment the setting is '', not NULL.
create function app_tenant() returns bigint
	language sql stable parallel safe
	return nullif(current_setting('app.tenant_id', true), '')::bigint;

-- The program's clock: real time plus the offset that is handed to each connection (see core/base/clock.h).
create function app_now() returns timestamptz
	language sql volatile parallel safe
	return clock_timestamp()
		+ coalesce(nullif(current_setting('app.clock_offset_us', true), '')::bigint, 0) * interval '1 microsecond';

revoke all on function app_tenant(), app_now() from public;
grant execute on function app_tenant(), app_now() to callpower_app, callpower_operator;
