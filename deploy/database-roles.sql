-- The roles and the database of CallPower, for a PostgreSQL superuser. Running it again changes nothing that is right already.
--
--     psql -d postgres -f deploy/database-roles.sql
--
-- callpower_owner     owns the database and every table; `callpower migrate` alone signs in as it
-- callpower_app       serves tenants' requests: row-level security shows it one tenant at a time
-- callpower_operator  the platform's own work over all tenants: registry, datasets, reconciliation
--
-- No role gets a password here: on a socket with peer or ident mapping none is needed; elsewhere set one with \password.

\set ON_ERROR_STOP on
-- "role exists already" is the expected case on a second run.
set client_min_messages = warning;

do $$
declare
	wanted text;
begin
	foreach wanted in array array['callpower_owner', 'callpower_app', 'callpower_operator'] loop
		if not exists (select from pg_roles where rolname = wanted) then
			execute format('create role %I', wanted);
		end if;
		-- Said again for a role that somebody made by hand: what row-level security rests on. A superuser and a role with
		-- BYPASSRLS see every tenant's rows whatever the policies say.
		execute format('alter role %I login nosuperuser nobypassrls nocreatedb nocreaterole noreplication inherit', wanted);
	end loop;
end
$$;

-- No serving role may be a member of one that the policies do not bind: that would be a way around them.
do $$
declare
	held record;
begin
	for held in
		select member.rolname as member, granted.rolname as granted
		from pg_auth_members m
		join pg_roles member on member.oid = m.member
		join pg_roles granted on granted.oid = m.roleid
		where member.rolname in ('callpower_app', 'callpower_operator')
			and (granted.rolname in ('callpower_owner', 'callpower_app', 'callpower_operator') or granted.rolsuper or granted.rolbypassrls)
	loop
		execute format('revoke %I from %I', held.granted, held.member);
	end loop;
end
$$;

-- CREATE DATABASE cannot stand in a DO block.
select 'create database callpower owner callpower_owner template template0 encoding ''UTF8'' lc_collate ''C.UTF-8'' lc_ctype ''C.UTF-8'''
where not exists (select from pg_database where datname = 'callpower')
\gexec

alter database callpower owner to callpower_owner;
revoke all on database callpower from public;
grant connect on database callpower to callpower_app, callpower_operator;
