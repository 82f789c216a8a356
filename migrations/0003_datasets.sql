-- Versions of countries' data. A version is one immutable file, made by the operator's command and kept here in parts, so that any
-- number of servers get it from the one place they all have. Which version of a country is active is its latest activation.
--
-- These tables have no tenant: whom people elect is the same for every organization. On Citus they are reference tables.

create table dataset_version (
	dataset_version_id bigint generated always as identity primary key,
	country            text not null constraint dataset_country_form check (country ~ '^[a-z]{2,7}$'),
	-- Of what it was made of: file format, plugin and its version, contents of the sources. The same sources are not stored twice.
	content_key        bytea not null check (length(content_key) = 32),
	sha256             bytea not null check (length(sha256) = 32), -- of the file without its trailer
	format             integer not null,
	provider_name      text not null,
	provider_version   text not null,
	size               bigint not null check (size > 0), -- bytes, of the file
	sources            jsonb not null,
	counts             jsonb not null,
	warnings           jsonb not null,
	created_at         timestamptz not null default app_now(),
	unique (country, content_key)
);

create table dataset_chunk (
	dataset_version_id bigint not null references dataset_version (dataset_version_id) on delete cascade,
	part               integer not null check (part >= 0),
	content            bytea not null,
	primary key (dataset_version_id, part)
);
-- The file's pages are half empty text and numbers, but servers read it rarely and in order: no time is spent on compressing.
alter table dataset_chunk alter column content set storage external;

create table dataset_activation (
	dataset_activation_id bigint generated always as identity primary key,
	country               text not null,
	dataset_version_id    bigint not null references dataset_version (dataset_version_id),
	activated_at          timestamptz not null default app_now()
);
create index dataset_activation_latest on dataset_activation (country, dataset_activation_id desc);

-- A version's country cannot be another one's, and every server hears of the change.
create function dataset_activated() returns trigger language plpgsql as $$
begin
	if not exists (select from dataset_version v where v.dataset_version_id = new.dataset_version_id and v.country = new.country) then
		raise exception 'version % is not one of %', new.dataset_version_id, new.country using errcode = 'foreign_key_violation';
	end if;
	perform pg_notify('callpower_dataset', new.country);
	return null;
end $$;
create trigger dataset_activated after insert on dataset_activation for each row execute function dataset_activated();
revoke all on function dataset_activated() from public;

revoke all on dataset_version, dataset_chunk, dataset_activation from public, callpower_app;
-- A version is never changed; one that was never active may be dropped.
grant select, insert, delete on dataset_version to callpower_operator;
grant select, insert on dataset_chunk to callpower_operator;
grant select, insert on dataset_activation to callpower_operator;
