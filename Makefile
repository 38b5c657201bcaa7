# Each target sets up what it needs on a Debian 12 machine that has a JDK 17, Maven, Rust and Node.js.

PREFIX ?= /usr/local
STORE ?= embedded
ENGINE ?= storm
SITUATION ?= a
POLICY ?=
DASHBOARD ?=
DAYS ?= 31
SECS ?= 180
ROUNDS ?= 3
SIDES ?= thalweg,even,ras_default,ras_generic
SEEDS ?= 30
HISTORIES ?= 1000000
FIRST ?= 0
HISTORIES_EACH ?= 1000
SECONDS_EACH ?= 600
TARGETS ?=
EXAMPLES ?= 25
SEED ?=
TOPOLOGIES ?= 1000
RECORDS ?= 100000
DIST_NATIVE ?=

.PHONY: help setup build dashboard dashboard-test demo hybrid test quick-test product-test thorough-test upgrade-test kafka-tls-test integrations-test workflow-test native-test zoo histories planted fuzz api-fuzz bench-storm bench-flink bench-policies bench-forecast bench-learn bench-core bench-look bench-place bench-workers bench-dashboard bench-scale docs install dist dist-test audit support clean

help: ## Shows the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup:
	@scripts/setup.sh

build: setup dashboard ## Builds the jars for Storm and Flink, the command with its dashboard, the sample topologies and the lab
	@echo "build: the jars with the decision core in them; the first time this takes some minutes, and is silent"
	@scripts/gradle.sh --quiet assemble
	@echo "build: the command and the lab; the same"
	@cargo build --quiet --locked -p thalweg-experiment -p thalweg-cli

dashboard: setup ## Builds the dashboard, which is packed into the command
	@echo "build: the dashboard"
	@scripts/setup.sh dashboard
	@scripts/dashboard.sh build

dashboard-test: dashboard ## Tests the dashboard in a browser
	@cargo build --quiet --locked -p thalweg-serve --examples
	@scripts/setup.sh browser
	@scripts/dashboard.sh test

demo: build ## Shows the loop on a real cluster (ENGINE=storm or flink, STORE=embedded or redis, DASHBOARD=1)
	@target/debug/demo --engine $(ENGINE) --store $(STORE) --situation $(SITUATION) $(if $(POLICY),--policy $(POLICY)) $(if $(DASHBOARD),--dashboard)

hybrid: build ## Runs taxi trips through Spark at the edge and Flink in the cloud while parts die, and compares with a batch (DAYS, SECS)
	@scripts/setup.sh hybrid
	@target/debug/hybrid --days $(DAYS) --secs $(SECS) --json target/hybrid.json

test: ## Runs every check and test
	@scripts/test.sh

quick-test: ## The same without real clusters
	@scripts/test.sh --quick

product-test: ## Runs the tests on real clusters only
	@scripts/test.sh --product

thorough-test: ## Runs the tests on real clusters, with those that take too long for each change
	@scripts/test.sh --thorough

upgrade-test: setup ## Goes from a former version to this one and back on a real cluster of each engine, with plans under way (FROM=tag or commit)
	@scripts/upgrade-test.sh $(FROM)

kafka-tls-test: ## Tests what speaks TLS to Kafka; compiles OpenSSL, which takes minutes. A whole run does it where that has changed
	@scripts/test.sh --kafka-tls

integrations-test: ## Checks and tests the integrations with Airflow, Dagster and Spark. A whole run does it where they have changed
	@scripts/test.sh --integrations

workflow-test: setup ## Holds plans of workflows against the exact optimum (OR-Tools): 200 drawn ones and the rebuilt setting of AGORA
	@scripts/setup.sh workflow
	@scripts/workflow-test.sh

native-test: ## Tests the native library: a million crossings, 200 class loaders, JDK 17, 21 and 25, address and leak sanitizer
	@scripts/test.sh --native

zoo: ## Runs topologies and jobs of all kinds together, on a real cluster of each engine
	@scripts/test.sh --zoo

histories: setup ## Runs the control plane through histories full of faults (HISTORIES=1000000 FIRST=0)
	@THALWEG_HISTORIES=$(HISTORIES) THALWEG_FIRST=$(FIRST) cargo test --release --quiet --locked -p thalweg-engine --test histories -- --nocapture

planted: setup ## Plants known defects one by one and tells how many histories each is caught by (HISTORIES_EACH=1000)
	@scripts/planted.sh $(HISTORIES_EACH)

fuzz: ## Fuzzes every parser of outside data (SECONDS_EACH=600, TARGETS=some of fuzz/fuzz_targets)
	@scripts/setup.sh fuzz
	@scripts/fuzz.sh $(SECONDS_EACH) $(TARGETS)

api-fuzz: ## Fuzzes the interface of thalweg serve by its own OpenAPI document, in each role (EXAMPLES=25 SEED=one of its own)
	@scripts/setup.sh api-fuzz
	@cargo build --quiet --locked -p thalweg-serve --example stand
	@scripts/api-fuzz.sh $(EXAMPLES) $(SEED)

bench-storm: build ## Measures DefaultScheduler against Thalweg (ROUNDS=3, POLICY=me-stream,ds2,thalweg)
	@target/debug/bench-storm --rounds $(ROUNDS) $(if $(POLICY),--policy $(POLICY))

bench-policies: setup ## Compares policies in the simulator, and it with published runs (SEEDS=30)
	@cargo build --quiet --release --locked -p thalweg-policies
	@target/release/bench-policies --seeds $(SEEDS)
	@target/release/published-runs

bench-forecast: setup ## Measures how well published loads and a daily peak are foretold
	@cargo build --quiet --release --locked -p thalweg-policies
	@target/release/bench-forecast

bench-learn: setup ## Measures what was learned of recoveries and loads beside the simple rules
	@cargo build --quiet --release --locked -p thalweg-policies
	@target/release/bench-learn

bench-flink: build ## Measures Flink alone and its autoscaler against Thalweg (ROUNDS=3, POLICY=thalweg)
	@target/debug/bench-flink --rounds $(ROUNDS) $(if $(POLICY),--policy $(POLICY))
	@target/debug/bench-flink --rounds $(ROUNDS) --day $(if $(POLICY),--policy $(POLICY))

bench-core: ## Measures decisions, the crossing into the core, and what a round adds
	@scripts/setup.sh benchmarks
	@scripts/bench-core.sh

bench-look: ## Measures what looking at many topologies or jobs costs Nimbus or the JobManager
	@scripts/setup.sh benchmarks
	@scripts/gradle.sh --quiet :jvm-adapter:storm:look :jvm-adapter:flink:look
	@jq --slurp '{storm: .[0], flink: .[1]}' target/bench/look-storm.json target/bench/look-flink.json | scripts/measured.sh look

bench-place: setup ## Measures placement: Storm's schedulers and Thalweg on recorded clusters, and growth (ROUNDS=3, SIDES=thalweg,even,ras_default,ras_generic)
	@scripts/gradle.sh --quiet :jvm-adapter:storm:place -Prounds=$(ROUNDS) -Psides=$(SIDES) -Pclusters=03,01,02 -Pcommit=$$(git rev-parse --short HEAD)
	@cargo bench --quiet --locked -p thalweg-place

bench-workers: build ## Measures the start of Storm's workers with and without an archive of their classes (ROUNDS=3)
	@scripts/setup.sh benchmarks
	@target/debug/bench-workers --rounds $(ROUNDS) | scripts/measured.sh workers

bench-dashboard: dashboard ## Measures the dashboard in a browser, over an engine with many topologies and a long ledger (TOPOLOGIES=1000 RECORDS=100000)
	@scripts/setup.sh browser benchmarks
	@cargo build --quiet --release --locked -p thalweg-serve --example crowd
	@cd dashboard && node scripts/bench.mjs ../target/release/examples/crowd $(TOPOLOGIES) $(RECORDS) | ../scripts/measured.sh dashboard

bench-scale: setup ## Measures how time and memory grow with nodes, topologies, executors, jobs and dashboards, and what breaks first (EXECUTORS=100000)
	@cargo build --quiet --release --workspace --locked --bin bench-scale
	@target/release/bench-scale $(if $(EXECUTORS),--executors $(EXECUTORS))

docs: setup ## Writes the generated reference pages anew
	@UPDATE_DOCS=1 cargo test --quiet --locked -p thalweg-engine -p thalweg-cli reference
	@UPDATE_DOCS=1 cargo test --quiet --locked -p thalweg-serve --test http pages

install: setup dashboard ## Installs the command thalweg with its manual pages, completions and jar for Storm (PREFIX=/usr/local)
	@cargo build --quiet --release --locked -p thalweg-cli
	@scripts/gradle.sh --quiet :jvm-adapter:storm:jar
	@install -D -m 755 target/release/thalweg $(DESTDIR)$(PREFIX)/bin/thalweg
	@install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/thalweg jvm-adapter/storm/build/libs/thalweg-storm-*.jar
	@target/release/thalweg manual $(DESTDIR)$(PREFIX)/share

dist: ## Builds a release into target/archives: archives, sums, parts list (DIST_NATIVE=folder with libraries built elsewhere)
	@scripts/setup.sh dashboard dist
	@scripts/dashboard.sh build
	@DIST_NATIVE="$(abspath $(DIST_NATIVE))" scripts/dist.sh

dist-test: ## Tests a release: builds the last commit here and in a clone, and looks at what came of it
	@scripts/setup.sh dashboard dist checks
	@scripts/dist-test.sh

audit: ## Holds what is linked against known vulnerabilities, licences and sources, without a network
	@scripts/setup.sh audit
	@scripts/audit.sh

support: ## Takes the results of the last test runs into the support matrix
	@cargo run --quiet --locked -p thalweg-e2e --bin support -- . "$$(git rev-parse --short HEAD)" "$$(date +%F)"

clean: ## Removes what was built
	@rm -rf target .gradle .lab $$(find . -name build -type d -not -path './target/*')
