-- :tenants organizations with :campaigns campaigns each, with hosts, numbers and secrets like those of the organization :like. Their sealed
-- secrets are copies and open nowhere: they are there for the room they take.
begin;

insert into tenant (slug, name, voice_token, account_sid)
	select 'many-' || i, 'Organization ' || i, lpad('many' || i, 32, '0'), 'AC' || md5(i::text) from generate_series(1, :tenants) as i;
insert into tenant_host (tenant_id, host) select tenant_id, 'calls.' || slug || '.example' from tenant where slug like 'many-%';
insert into tenant_number (tenant_id, number) select tenant_id, '+1500555' || lpad((tenant_id % 10000)::text, 4, '0') from tenant where slug like 'many-%';
insert into tenant_key (tenant_id, wrapped) select many.tenant_id, wrapped from tenant many, tenant_key k where many.slug like 'many-%' and k.tenant_id = :like;
insert into tenant_secret (tenant_id, name, sealed)
	select many.tenant_id, s.name, sealed from tenant many, tenant_secret s where many.slug like 'many-%' and s.tenant_id = :like;

insert into campaign (tenant_id, campaign_id, name, status)
	select tenant_id, i, 'Campaign ' || i, 'live' from tenant, generate_series(1, :campaigns) as i where slug like 'many-%';
insert into campaign_revision (tenant_id, campaign_id, revision, settings)
	select c.tenant_id, c.campaign_id, 1, r.settings from campaign c, tenant t, campaign_revision r
	where c.tenant_id = t.tenant_id and t.slug like 'many-%' and r.tenant_id = :like and r.campaign_id = 1 and r.revision = 1;

commit;
