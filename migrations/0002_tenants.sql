-- Organizations: the directory that every request is resolved with, their wrapped keys, sealed secrets, hosts and numbers.
--
-- The server reads these tables as the operator's role, into memory (tenants/registry); requests of tenants never read them.
-- callpower_app has no right on any of them. Its policies stand here all the same, so that a right that is granted later cannot
-- show one organization another one's rows.
--
-- On Citus, tenant and tenant_host are reference tables: a slug, a webhook's token and a host name are unique over all tenants.

create table tenant (
	tenant_id    bigint generated always as identity primary key,
	revision     bigint not null default 1, -- grows with each change of this row or of a row that belongs to it
	slug         text not null constraint tenant_slug_form check (slug ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
	name         text not null constraint tenant_name_form check (name ~ '\S' and length(name) <= 200),
	status       text not null default 'active' constraint tenant_status_known check (status in ('active', 'suspended', 'closing')),
	-- What the carrier's requests name the tenant by: 192 random bits, in no page and no log.
	voice_token  text not null constraint tenant_voice_token_form check (voice_token ~ '^[A-Za-z0-9_-]{32}$'),
	account_sid  text not null constraint tenant_account_sid_form check (account_sid ~ '^AC[0-9a-f]{32}$'),
	api_key_sid  text constraint tenant_api_key_sid_form check (api_key_sid ~ '^SK[0-9a-f]{32}$'),
	-- The same list as cp_carrier_hosts: a stranger's host here would be sent the tenant's password.
	carrier_host text not null default 'api.twilio.com' constraint tenant_carrier_host_known
	             check (carrier_host in ('api.twilio.com', 'api.dublin.ie1.twilio.com', 'api.sydney.au1.twilio.com')),
	country      text not null default 'US' constraint tenant_country_form check (country ~ '^[A-Z]{2}$'),
	language     text not null default 'en' constraint tenant_language_form check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
	created_at   timestamptz not null default app_now(),
	updated_at   timestamptz not null default app_now(),
	constraint tenant_slug_unique unique (slug),
	constraint tenant_voice_token_unique unique (voice_token)
);

-- Domains of its own.
create table tenant_host (
	tenant_id  bigint not null references tenant (tenant_id) on delete cascade,
	host       text not null constraint tenant_host_form check (host = lower(host) and host ~ '^[a-z0-9_-]+(\.[a-z0-9_-]+)+$' and length(host) <= 253),
	created_at timestamptz not null default app_now(),
	primary key (tenant_id, host),
	constraint tenant_host_unique unique (host)
);

-- Its data key, sealed by the platform's master key. Deleting this row makes everything that was sealed for the tenant unreadable.
create table tenant_key (
	tenant_id  bigint primary key references tenant (tenant_id) on delete cascade,
	wrapped    bytea not null,
	created_at timestamptz not null default app_now(),
	wrapped_at timestamptz not null default app_now()
);

-- Secrets, sealed by its data key for this very row.
create table tenant_secret (
	tenant_id  bigint not null references tenant (tenant_id) on delete cascade,
	name       text not null constraint tenant_secret_known check (name in ('carrier_auth_token', 'carrier_api_key_secret', 'phone_hash_key')),
	sealed     bytea not null,
	updated_at timestamptz not null default app_now(),
	primary key (tenant_id, name)
);

-- Numbers that it owns at the carrier, and calls from.
create table tenant_number (
	tenant_id  bigint not null references tenant (tenant_id) on delete cascade,
	number     text not null constraint tenant_number_form check (number ~ '^\+[1-9][0-9]{6,14}$'),
	created_at timestamptz not null default app_now(),
	primary key (tenant_id, number)
);

-- Receipts of destroyed organizations; no reference to tenant, whose row may be gone.
create table tenant_erasure (
	tenant_id       bigint primary key,
	slug            text not null,
	name            text not null,
	key_destroyed_at timestamptz not null default app_now(),
	key_digest      bytea, -- SHA-256 of the wrapped key that was destroyed: a backup that holds it is not expired yet
	rows_erased_at  timestamptz,
	statement       text not null
);

-- ---- changes: each raises the tenant's revision, and tells the servers

create function tenant_row_changed() returns trigger language plpgsql as $$
begin
	new.revision := old.revision + 1;
	new.updated_at := app_now();
	return new;
end $$;
create trigger tenant_row_changed before update on tenant for each row execute function tenant_row_changed();

create function tenant_part_changed() returns trigger language plpgsql as $$
begin
	-- Touched only: the trigger above raises the revision. In a cascade the tenant is gone already, and nothing is found.
	update tenant set updated_at = app_now() where tenant_id = coalesce(new.tenant_id, old.tenant_id);
	return null;
end $$;
create trigger tenant_host_changed after insert or update or delete on tenant_host for each row execute function tenant_part_changed();
create trigger tenant_key_changed after insert or update or delete on tenant_key for each row execute function tenant_part_changed();
create trigger tenant_secret_changed after insert or update or delete on tenant_secret for each row execute function tenant_part_changed();
create trigger tenant_number_changed after insert or update or delete on tenant_number for each row execute function tenant_part_changed();

create function tenant_notify() returns trigger language plpgsql as $$
begin
	perform pg_notify('callpower_tenant', ''); -- several of one transaction arrive as one
	return null;
end $$;
create trigger tenant_notify after insert or update or delete on tenant for each statement execute function tenant_notify();

revoke all on function tenant_row_changed(), tenant_part_changed(), tenant_notify() from public;

-- ---- who sees what

do $$
declare
	name text;
begin
	foreach name in array array['tenant', 'tenant_host', 'tenant_key', 'tenant_secret', 'tenant_number', 'tenant_erasure'] loop
		execute format('alter table %I enable row level security', name);
		execute format('alter table %I force row level security', name);
		execute format('create policy %I on %I to callpower_app using (tenant_id = app_tenant()) with check (tenant_id = app_tenant())',
			name || '_of_tenant', name);
		execute format('create policy %I on %I to callpower_operator using (true) with check (true)', name || '_of_operator', name);
		execute format('revoke all on %I from public, callpower_app', name);
	end loop;
end $$;

grant select, insert, update, delete on tenant, tenant_host, tenant_key, tenant_secret, tenant_number to callpower_operator;
grant select, insert, update on tenant_erasure to callpower_operator; -- a receipt is never deleted
