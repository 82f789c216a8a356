-- Campaigns. What a campaign says and whom it calls stands in immutable revisions: a call that began under one revision ends under it,
-- and a webhook that comes twice is answered from the same texts.

create table campaign (
	tenant_id   bigint not null references tenant (tenant_id),
	campaign_id integer not null check (campaign_id > 0), -- counted from 1 in each tenant
	name        text not null check (name <> '' and length(name) <= 255),
	status      text not null default 'draft' check (status in ('draft', 'live', 'paused', 'archived')),
	revision    integer not null default 1,
	created_at  timestamptz not null default app_now(),
	updated_at  timestamptz not null default app_now(),
	primary key (tenant_id, campaign_id),
	unique (tenant_id, name)
);

create table campaign_revision (
	tenant_id   bigint not null,
	campaign_id integer not null,
	revision    integer not null,
	settings    jsonb not null, -- checked by the program: core/campaign/settings.c
	created_at  timestamptz not null default app_now(),
	primary key (tenant_id, campaign_id, revision),
	foreign key (tenant_id, campaign_id) references campaign (tenant_id, campaign_id)
);

alter table campaign enable row level security;
alter table campaign force row level security;
create policy campaign_of_tenant on campaign to callpower_app
	using (tenant_id = app_tenant()) with check (tenant_id = app_tenant());
alter table campaign_revision enable row level security;
alter table campaign_revision force row level security;
create policy campaign_revision_of_tenant on campaign_revision to callpower_app
	using (tenant_id = app_tenant()) with check (tenant_id = app_tenant());

grant select, insert, update on campaign to callpower_app;
grant select, insert on campaign_revision to callpower_app; -- never updated

-- Edits are rare; every process drops what it has cached of the campaign.
create function campaign_changed() returns trigger language plpgsql as $$
begin
	perform pg_notify('callpower_campaign', new.tenant_id || '/' || new.campaign_id);
	return null;
end $$;
create trigger campaign_changed after insert or update on campaign for each row execute function campaign_changed();
