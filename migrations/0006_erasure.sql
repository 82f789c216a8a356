-- What an organization leaves behind can be deleted, by the operator's role and only once the organization is closing: its data key
-- is destroyed by then, and nothing is served for it any more (tenants/erase.c).

create index tenant_closing on tenant (tenant_id) where status = 'closing';

-- For each table with rows of tenants; a later migration calls it in the file that makes the table. A test finds what was forgotten.
create procedure make_erasable(erasable regclass) language plpgsql as $$
declare
	name text := (select relname from pg_class where oid = erasable);
	closing text := '(tenant_id in (select t.tenant_id from tenant t where t.status = ''closing''))';
begin
	execute format('create policy %I on %s for select to callpower_operator using %s', name || '_of_closing_seen', erasable, closing);
	execute format('create policy %I on %s for delete to callpower_operator using %s', name || '_of_closing_erased', erasable, closing);
	execute format('grant select (tenant_id), delete on %s to callpower_operator', erasable);
end $$;
revoke all on procedure make_erasable(regclass) from public;

call make_erasable('campaign');
call make_erasable('campaign_revision');
call make_erasable('call_session');
call make_erasable('call_attempt');
