-- Call sessions and the attempts to reach targets.
--
-- A webhook's transaction writes these rows and no others: no counter, no NOTIFY (architecture: a shared row or a NOTIFY in it costs
-- most of the throughput). Reports read new rows later.

-- The words are checked by domains and not by the tables: PostgreSQL reads a table's check constraints anew, from text, for each statement
-- that writes a row, which took a third of a webhook's time; a domain's it keeps.
create domain call_direction as text constraint call_direction_known check (value in ('outbound', 'inbound'));
create domain call_status as text constraint call_status_known check (value in ('planned', 'queued', 'initiated', 'ringing', 'in-progress',
	'completed', 'busy', 'no-answer', 'failed', 'canceled'));
create domain call_outcome as text constraint call_outcome_known check (value in ('completed', 'busy', 'no-answer', 'failed', 'canceled',
	'unreachable', 'unknown'));
create domain call_referral as text constraint call_referral_short check (length(value) <= 64);
create domain call_ordinal as smallint constraint call_ordinal_positive check (value > 0);

create table call_session (
	tenant_id         bigint not null,
	session_id        uuid not null, -- version 7: in order of creation, unguessable
	campaign_id       integer not null,
	campaign_revision integer not null,
	direction         call_direction not null default 'outbound',
	created_at        timestamptz not null default app_now(),

	-- the supporter: never in clear
	phone_sealed      bytea, -- null once retention has removed it
	phone_hash        bytea not null,
	location          text not null default '', -- the place as given: a postal code
	referral          call_referral not null default '',

	plan              jsonb not null, -- whom to call: core/call/plan.h
	from_number       text not null,

	-- What changes stands together and last: PostgreSQL logs of an update what lies between the first changed byte and the last, and the
	-- plan is most of a row.
	updated_at        timestamptz not null default app_now(),

	-- the conversation (core/call/machine.h)
	position          text not null default 'created',
	trail             text[] not null default '{}', -- 'step>position' or 'step>position:outcome', one for each step taken

	-- the carrier's side; 'planned' until it has taken the call
	carrier_call      text,
	status            call_status not null default 'planned',
	reason            text, -- why it failed, where our side knows: a stable word
	queue_ms          integer,
	ringing_at        timestamptz,
	answered_at       timestamptz,
	ended_at          timestamptz,
	duration_s        integer,

	primary key (tenant_id, session_id),
	check ((ended_at is not null) = (status = any ('{completed,busy,no-answer,failed,canceled}')))
) with (fillfactor = 60); -- room for each step's new version on the same page

-- Open sessions, for reconciliation. created_at never changes and ended_at once, so that a step's update stays on its page.
create index call_session_open on call_session (created_at) where ended_at is null;
create index call_session_campaign on call_session (tenant_id, campaign_id, created_at);
create index call_session_phone on call_session (tenant_id, phone_hash, created_at);

-- One row an attempt, written once. No foreign key to the session: the row is made by the statement that moves the session.
create table call_attempt (
	tenant_id    bigint not null,
	session_id   uuid not null,
	target       call_ordinal not null, -- its place in the plan
	attempt      call_ordinal not null,
	campaign_id  integer not null,
	target_key   text not null,
	target_name  text not null,
	phone        text, -- the number dialled; null where the target has none
	status       call_outcome not null,
	carrier_call text, -- of the leg to the target
	bridged      boolean, -- whether supporter and target were connected
	duration_s   integer, -- of the leg, as the carrier reports it
	ended_at     timestamptz not null default app_now(),
	primary key (tenant_id, session_id, target, attempt)
);
create index call_attempt_campaign on call_attempt (tenant_id, campaign_id, ended_at);

alter table call_session enable row level security;
alter table call_session force row level security;
create policy call_session_of_tenant on call_session to callpower_app
	using (tenant_id = app_tenant()) with check (tenant_id = app_tenant());
alter table call_attempt enable row level security;
alter table call_attempt force row level security;
create policy call_attempt_of_tenant on call_attempt to callpower_app
	using (tenant_id = app_tenant()) with check (tenant_id = app_tenant());

grant select, insert, update on call_session to callpower_app;
grant select, insert on call_attempt to callpower_app;

-- The operator's role finds open sessions of all tenants and sees of them only what reconciliation needs.
create policy call_session_open_for_operator on call_session for select to callpower_operator using (ended_at is null);
grant select (tenant_id, session_id, created_at, updated_at, ended_at, status, carrier_call) on call_session to callpower_operator;
