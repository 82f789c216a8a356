# The steps of deploy/demo, as functions; sourced by it, with the checkout's top as the working directory.
# Variables of deploy/demo that are used here: here top state once supporter account token number slug organization.

program=build/callpower
carrier_program=build/callpower-carrier
transcript=$state/transcript.jsonl
step_number=0
steps_in_all=13
# What load_data decides: the real thing, else the made-up country.
country=us
place=94110
campaign_title='Call Congress'
campaign_type=congress

if [[ -t 1 && -z ${NO_COLOR-} ]]; then
	bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
	bold='' dim='' red='' green='' plain=''
fi

say() { printf '    %s\n' "$*"; }

# fail SENTENCE: the reason, and the end of it all (the trap stops what runs).
fail() {
	printf '\n%sThe demo failed: %s%s\n' "$red" "$*" "$plain" >&2
	exit 1
}

# step TITLE FUNCTION
step() {
	step_number=$((step_number + 1))
	printf '\n%s[%d/%d] %s%s\n' "$bold" "$step_number" "$steps_in_all" "$1" "$plain"
	"$2"
}

# quietly LOG REASON COMMAND...: output goes to a log; where the command fails, its end is shown and the demo fails.
quietly() {
	local log=$state/$1.log reason=$2
	shift 2
	"$@" >"$log" 2>&1 </dev/null && return 0
	tail -n 40 "$log" | sed 's/^/    | /' >&2
	fail "$reason (all of it: ${log#"$top"/})"
}

# ---- processes: each is noted with its start time, so that only our own are ever stopped, in this run or the next

start_time() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	# the 22nd field; the second one, the name in brackets, may hold spaces
	read -r -a stat <<<"${stat##*) }"
	[[ ${stat[0]} != Z ]] && printf '%s\n' "${stat[19]}"
}

ours() {
	local pid started
	[[ -f $state/$1.pid ]] && read -r pid started <"$state/$1.pid" && [[ $(start_time "$pid") == "$started" ]] && echo "$pid"
}

# launch NAME COMMAND...: in the background, with the log var/demo/NAME.log
launch() {
	local name=$1 pid
	shift
	"$@" >"$state/$name.log" 2>&1 </dev/null 8<&- 9>&- &
	pid=$!
	printf '%d %s\n' "$pid" "$(start_time "$pid" || echo gone)" >"$state/$name.pid"
}

stop_process() {
	local pid tries
	pid=$(ours "$1") || { rm -f "$state/$1.pid"; return 0; }
	kill -TERM "$pid" 2>/dev/null || true
	for ((tries = 0; tries < 150; tries++)); do
		ours "$1" >/dev/null || break
		sleep 0.1
	done
	if ours "$1" >/dev/null; then
		printf '    %s did not end within 15 s and was killed\n' "$1" >&2
		kill -KILL "$pid" 2>/dev/null || true
	fi
	rm -f "$state/$1.pid"
}

stop_everything() {
	stop_process server
	stop_process carrier
	stop_database
}

# Where root runs us in a checkout that PostgreSQL's user cannot reach, the cluster lies under /var/tmp. It is made anew by the next run.
stop_database() {
	local data
	[[ -d $state/postgres ]] && command -v setpriv >/dev/null || return 0
	tests/harness/postgres stop "$state/postgres" 9>&- || return 0
	[[ -f $state/postgres/data.path ]] || return 0
	data=$(<"$state/postgres/data.path")
	[[ $data != /var/tmp/callpower-postgres.* ]] || rm -rf -- "$data"
	rm -f "$state/postgres/data.path"
}

at_end() {
	local status=$?
	trap - EXIT INT TERM HUP
	stop_everything
	rm -f "$state/demo.pid"
	exit "$status"
}

begin() {
	local name
	# What the caller has set for another instance or another database must not lead us there.
	for name in ${!CALLPOWER_@} ${!PG@}; do
		[[ $name == CALLPOWER_DATA ]] || unset "$name"
	done
	mkdir -p "$state" 2>/dev/null && [[ -w $state ]] || fail "$state cannot be written; it may belong to another user who ran the demo"
	chmod 700 "$state"
	exec 9>>"$state/lock"
	if ! flock --wait 3 9; then
		! ours demo >/dev/null || fail "it runs already in this checkout (its address: $(cat "$state/address" 2>/dev/null || echo 'not yet known'))"
		say 'The run before this one was killed, but something that it began is still under way; waiting for its end.'
		flock --wait 300 9 || fail 'that does not end'
	fi
	printf '%d %s\n' $$ "$(start_time $$)" >"$state/demo.pid"
	trap at_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	# What a run that was killed left behind.
	stop_everything
	rm -f "$state"/*.log "$state/address" "$transcript" "$state/carrier.ready"
}

# free_port PREFERRED: that port of 127.0.0.1 if it is free, else any
free_port() {
	python3 - "$1" <<'PYTHON'
import socket, sys
for port in (int(sys.argv[1]), 0):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(('127.0.0.1', port))
        except OSError:
            continue
        print(listener.getsockname()[1])
        break
PYTHON
}

# wait_for NAME SECONDS WHAT COMMAND...: until the command succeeds, while the process lives
wait_for() {
	local name=$1 deadline=$((SECONDS + $2)) what=$3
	shift 3
	until "$@" >/dev/null 2>&1; do
		if ! ours "$name" >/dev/null; then
			tail -n 20 "$state/$name.log" | sed 's/^/    | /' >&2
			fail "the $name ended before $what"
		fi
		((SECONDS < deadline)) || fail "$what did not happen in time (log: ${state#"$top"/}/$name.log)"
		sleep 0.05
	done
}

# ---- the steps

install_packages() {
	local missing
	missing=$(deploy/install-packages --check build run) && { say 'nothing is missing'; return; }
	say "installing $(wc -w <<<"$missing") packages"
	deploy/install-packages build run || fail 'the packages could not be installed'
}

build_programs() {
	local last
	# Debian's own meson and python, whatever else stands first in PATH
	if [[ ! -f build/build.ninja ]]; then
		rm -rf build
		quietly meson 'meson could not configure the build' env CC=gcc PATH="/usr/bin:/bin:$PATH" meson setup build .
	fi
	# the programs and the country plugins, not the tests
	local targets=(callpower callpower-carrier)
	mapfile -t -O 2 targets < <(ninja -C build -t targets all | sed -n 's/^\(providers\/[^:]*\.so\): .*/\1/p')
	if [[ -t 1 ]]; then
		ninja -C build "${targets[@]}" || fail 'it does not compile'
	else
		quietly ninja 'it does not compile' ninja -C build "${targets[@]}"
		last=$(tail -n 1 "$state/ninja.log")
		say "${last#ninja: }"
	fi
}

start_database() {
	local lines name value
	lines=$(tests/harness/postgres start "$state/postgres" 9>&-) || fail "PostgreSQL did not start (log: ${state#"$top"/}/postgres/log)"
	# The settings of the programs stand in a file, so that they can be used by hand as well:
	# CALLPOWER_SETTINGS=var/demo/settings build/callpower help
	: >"$state/settings"
	while IFS='=' read -r name value; do
		if [[ $name == CP_TEST_DATABASE ]]; then
			database=$value
		else
			setting "$name" "$value"
		fi
	done <<<"$lines"
	export CALLPOWER_SETTINGS=$state/settings
	# Made anew each time, so that the demo is the same each time, whatever version of the schema was there.
	query postgres 'drop database if exists callpower with (force)' 'create database callpower owner callpower_owner' \
		'revoke all on database callpower from public' 'grant connect on database callpower to callpower_app, callpower_operator'
	say "${database%% *}"
}

setting() { printf '%s=%s\n' "$1" "$2" >>"$state/settings"; }

# query DATABASE SQL...: as PostgreSQL's superuser
query() {
	local arguments=() sql
	for sql in "${@:2}"; do arguments+=(--command="$sql"); done
	psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --dbname="${database/dbname=callpower/dbname=$1}" "${arguments[@]}" \
		</dev/null 2>>"$state/psql.log" || fail "the database refused: $(tail -n 1 "$state/psql.log")"
}

migrate() {
	quietly migrate 'the schema could not be made' "$program" migrate
	say "$(tail -n 1 "$state/migrate.log")"
}

# The US from the folder that is there, else downloaded; where that cannot be, the made-up country that comes with CallPower.
load_data() {
	local folder=${CALLPOWER_DATA-}
	if [[ -z $folder && -d ../shared/data/us ]]; then
		folder=$(cd ../shared/data && pwd -P)
	fi
	setting CALLPOWER_CACHE_DIR "$state/cache"
	mkdir -p "$state/cache"
	if [[ -n $folder ]]; then
		say "United States, from $folder"
		"$program" data update us --from "$folder" 2>&1 | sed 's/^/    /' || fail 'the data could not be loaded'
	elif say 'United States, downloaded from the sources' && "$program" data update us; then
		:
	else
		say 'The sources cannot be reached from here, so the sample country carries the demo: made-up places, people and numbers.'
		"$program" data update xs --from providers/sample/data 2>&1 | sed 's/^/    /' || fail 'the sample country could not be loaded'
		country=xs
		place=N102
		campaign_type=parliament
		campaign_title='Call the parliament of Samplia'
	fi
}

make_organization() {
	# The master key is kept from one run to the next, as an operator would; the account is the sandbox's own and opens nothing.
	[[ -s $state/master.key ]] || quietly key 'no master key could be made' "$program" key new "$state/master.key"
	setting CALLPOWER_MASTER_KEY_FILE "$state/master.key"
	printf '%s\n' "$token" | "$program" tenant create "$slug" --name "$organization" --account-sid "$account" --auth-token-file - \
		--number "$number" 2>&1 | sed 's/^/    /' || fail 'the organization could not be made'
}

start_carrier() {
	local port
	# Another demo on this machine must not find the same ports free before ours are taken; two servers of one user could even share one.
	exec 8</dev/null
	flock --wait 30 8 || true
	port=$(free_port 8090)
	server_port=$(free_port 8080)
	server_url=http://127.0.0.1:$server_port
	carrier_url=http://127.0.0.1:$port
	launch carrier "$carrier_program" --listen "127.0.0.1:$port" --ready-file "$state/carrier.ready" --account "$account:$token:$number" \
		--speed 20 --transcript "$transcript" --server "$server_url" --campaign 1 \
		--path "/o/$slug/call/create"
	wait_for carrier 20 'the carrier sandbox was ready' test -s "$state/carrier.ready"
	setting CALLPOWER_CARRIER_URL "$carrier_url"
	say "$carrier_url (its clock runs 20 times as fast as ours)"
}

start_server() {
	setting CALLPOWER_LISTEN "127.0.0.1:$server_port"
	setting CALLPOWER_PUBLIC_URL "$server_url"
	setting CALLPOWER_LOG_FORMAT text
	launch server "$program" serve
	wait_for server 20 'the server was ready' curl --silent --fail --max-time 2 "$server_url/health"
	exec 8<&-
	say "$server_url"
	say "they speak only HTTP with each other; logs: ${state#"$top"/}/server.log, ${state#"$top"/}/carrier.log"
}

make_campaign() {
	local made
	made=$("$program" campaign create "$slug" --name "$campaign_title" --country "$country" --type "$campaign_type" --subtype both \
		--order upper-first --language en-US --voice Polly.Joanna-Neural --organization "$organization" 2>&1) || fail "the campaign could not be made: $made"
	campaign=$(sed -n 's/^campaign \([0-9]*\) .*/\1/p' <<<"$made")
	[[ -n $campaign ]] || fail "the campaign has no number: $made"
	"$program" campaign launch "$slug" "$campaign" 2>&1 | sed 's/^/    /' || fail 'the campaign could not be launched'
	printf '%s\n' "$carrier_url" >"$state/address"
}

# The page's form, as curl would send it.
ask() {
	curl --silent --show-error --max-time 30 "$server_url/o/$slug/call/create" --data-urlencode "campaignId=$campaign" \
		--data-urlencode "userPhone=$supporter" --data-urlencode "userCountry=US" --data-urlencode "userLocation=$place"
}

# field NAME FILE: a member of a JSON object, by dots
field() {
	python3 -c '
import json, sys
value = json.load(open(sys.argv[2], encoding="utf-8"))
for name in sys.argv[1].split("."):
    value = value.get(name) if isinstance(value, dict) else None
print("" if value is None else value)' "$1" "$2"
}

make_call() {
	local idle
	ask >"$state/answer.json" || fail 'the server did not answer'
	session=$(field session "$state/answer.json")
	[[ -n $session ]] || fail "the server refused: $(field description "$state/answer.json")"
	say "the page is told: you will be connected to $(field targets.display "$state/answer.json")"
	idle=$(curl --silent --show-error --max-time 120 "$carrier_url/_sandbox/idle?timeout_ms=90000") || fail 'the carrier sandbox did not answer'
	[[ $idle == *'"idle":true'* || $idle == *'"idle": true'* ]] || fail 'the call did not end within 90 s'
	say 'the call is over'
}

tell_call() {
	local call
	call=$(query callpower "select carrier_call from call_session where session_id = '$session'")
	[[ -n $call ]] || fail 'the session has no call'
	curl --silent --fail --max-time 20 "$carrier_url/_sandbox/calls/$call" >"$state/call.json" || fail 'the carrier sandbox does not know the call'
	query callpower "select coalesce(json_object_agg(target ->> 'phone', (target ->> 'title') || ' ' || (target ->> 'name')), '{}')
		from call_session, jsonb_array_elements(plan -> 'targets') as plan (target)
		where session_id = '$session' and target ->> 'phone' is not null" >"$state/names.json"
	"$here/demo-story" "$state/call.json" "$state/names.json" || fail 'the conversation cannot be told'
}

show_rows() {
	printf '    call_session\n'
	table "select session_id, campaign_id as campaign, status, position, location, duration_s,
			case when phone_sealed is null then 'none' else 'sealed, ' || length(phone_sealed) || ' bytes' end as phone
		from call_session where session_id = '$session'"
	printf '    call_attempt\n'
	table "select target, target_key, target_name, phone, status, bridged, duration_s
		from call_attempt where session_id = '$session' order by target, attempt"
}

table() {
	psql --no-psqlrc --quiet --pset=footer=off --pset=border=1 --set=ON_ERROR_STOP=1 --dbname="$database" --command="$1" </dev/null 2>>"$state/psql.log" |
		sed 's/^/    /' || fail "the database refused: $(tail -n 1 "$state/psql.log")"
}

check_everything() {
	local wanted messages
	wanted=$(query callpower "select jsonb_array_length(plan -> 'targets') from call_session where session_id = '$session'")
	check 'the session is ended as completed' \
		"select status = 'completed' and ended_at is not null and position = 'thanks' from call_session where session_id = '$session'"
	check "an outcome of each of the $wanted targets" \
		"select count(*) = $wanted and bool_and(status in ('completed', 'unreachable')) from call_attempt where session_id = '$session'"
	[[ $country != us || $wanted == 3 ]] || fail "$place has two senators and one representative, but $wanted were called"
	check 'no row without its organization is visible' \
		"set role callpower_app; select count(*) = 0 from call_session"
	messages=$(python3 - "$transcript" <<'PYTHON'
import json, sys
names = {'time', 'from', 'method', 'url', 'headers', 'form', 'status', 'body'}
count = 0
for line in open(sys.argv[1], encoding='utf-8'):
    message = json.loads(line)
    if not names <= message.keys():
        sys.exit(f'a line of the transcript lacks {sorted(names - message.keys())}')
    if message['status'] is not None and message['status'] >= 400:
        sys.exit(f"{message['url']} was answered {message['status']}")
    count += 1
print(count)
PYTHON
	) || fail 'the transcript is not what it should be'
	ours server >/dev/null && ours carrier >/dev/null || fail 'a program has ended meanwhile'
	say "${green}ok${plain}  $messages HTTP messages between server and carrier: ${transcript#"$top"/}"
}

# check WHAT SQL: the last line must be t
check() {
	[[ $(query callpower "$2" | tail -n 1) == t ]] || fail "not so: $1"
	say "${green}ok${plain}  $1"
}

another_call() {
	printf "    curl '%s/o/%s/call/create' -d campaignId=%s -d userPhone=%%2B1%s -d userCountry=US -d userLocation=%s\n" \
		"$server_url" "$slug" "$campaign" "${supporter#+1}" "$place"
}

finish_once() {
	printf '\n%sEverything worked.%s It is being stopped now; without --once it stays up, with the telephones at a page like %s\n' \
		"$green" "$plain" "$carrier_url"
	printf 'and another call by\n'
	another_call
}

stay_up() {
	printf '\n%sEverything works and stays up until you press Ctrl-C.%s The telephones, in a browser:\n    %s\nAnother call:\n' \
		"$green" "$plain" "$carrier_url"
	another_call
	while ours server >/dev/null && ours carrier >/dev/null; do
		sleep 1 9>&- &
		wait $! || true
	done
	ours server >/dev/null || fail "the server has ended (log: ${state#"$top"/}/server.log)"
	fail "the carrier sandbox has ended (log: ${state#"$top"/}/carrier.log)"
}
