.PHONY: captures build test full units units-concurrent units-others e2e e2e-full killtest caddy cells zeroloss batch simulate mutants errors lint

# Compilers and tests that collect garbage less often use a fifth less of the processors.
export GOGC ?= 400

build: ## build bin/trikk
	go build -o bin/trikk ./cmd/trikk

test: ## install what the tests need, then run them
	./e2e/install
	go build ./...
	@echo "the unit tests and the end-to-end tests run side by side; each part shows its results when it has ended"
	$(MAKE) --no-print-directory -j3 --output-sync=target units-concurrent units-others e2e

full: ## everything, unreduced: also the cases that take minutes
	./e2e/install caddy
	$(MAKE) --no-print-directory lint
	TRIKK_FULL=1 go test -vet=off -race -timeout 60m -skip '$(ALONE)' $$(go list ./... | grep -v /e2e)
	TRIKK_FULL=1 go test -vet=off -timeout 30m -run '$(ALONE)' ./cmd/trikk
	$(MAKE) --no-print-directory mutants
	$(MAKE) --no-print-directory simulate PLANS=10000
	$(MAKE) --no-print-directory -j2 --output-sync=target e2e-full killtest
	$(MAKE) --no-print-directory zeroloss
	$(MAKE) --no-print-directory batch

# The docs show all processes of a fleet: no other test's may be beside them.
ALONE := ^(TestDocsPlayed|TestCapturesHold)$$

# The rooms that share memory between goroutines. The simulation, which has them all work together, is short under the race detector.
CONCURRENT := $(addprefix trikk.dev/engine/,proxy act host host/hosttest artifact notify run secret sign survey)

# lint runs go vet, on everything: the tests need no second one. RACE=-race runs the race detector where memory is shared.
units: ## all tests but the end-to-end ones; they need no privileges
	$(MAKE) --no-print-directory -j2 --output-sync=target units-concurrent units-others

# They wait for one another's shells as often as they compute, so the two run side by side. The end-to-end tests, which wait for real programs
# most of the time, go first when they run beside them: `nice`.
units-concurrent:
	nice go test -vet=off $(RACE) -timeout 20m $(CONCURRENT)
	PLANS=25 nice go test -vet=off $(RACE) -timeout 20m -run '^TestSimulate$$' trikk.dev/engine/model

units-others:
	nice go test -vet=off -timeout 20m $(filter-out $(CONCURRENT),$(shell go list ./... | grep -v /e2e))

e2e: ## the built trikk on a fleet of machines; needs root, or sudo
	go test -vet=off -timeout 20m ./e2e

e2e-full: ## all cases of the end-to-end tests but the kill test's
	TRIKK_FULL=1 TRIKK_SANDBOXES=1 go test -vet=off -count=1 -timeout 120m -skip '^TestKillAtEveryJournalWrite$$' ./e2e

killtest: ## trikk is killed at every write of its journal, on real sshd, and goes on
	@out=$$(TRIKK_FULL=1 go test -v -vet=off -count=1 -timeout 60m -run '^TestKillAtEveryJournalWrite$$' ./e2e 2>&1); status=$$?; \
	printf '%s\n' "$$out" | grep -v -e '^killtest: ' -e '^=== ' -e '^---' -e '^PASS$$' -e '^FAIL$$' -e '^ok '; \
	printf '%s\n' "$$out" | grep '^killtest: '; exit $$status

caddy: ## compile the Caddy of the cells, so that they find it in Go's cache
	GOTOOLCHAIN=$$(sed -n 's/^toolchain //p' e2e/caddy/go.mod) go build -C e2e/caddy -ldflags='-s -w' -o /dev/null .

cells: ## a rollout under load behind each proxy; the first one builds Caddy, which takes minutes
	./e2e/install caddy
	go test -vet=off -count=1 -timeout 15m ./e2e/zeroloss

zeroloss: ## each driver under load, in each operation: the table of docs/zero-downtime.md
	@out=$$(TRIKK_FULL=1 go test -v -count=1 -timeout 60m -run '^TestZeroLoss$$' ./e2e/zeroloss 2>&1); status=$$?; \
	printf '%s\n' "$$out" | grep -v -e '^zeroloss: ' -e '^=== ' -e '^PASS$$' -e '^FAIL$$' -e '^ok '; \
	printf '%s\n' "$$out" | grep '^zeroloss: '; exit $$status

APPS ?= 60

batch: ## deploy APPS apps to twelve servers in one run, under load; one line says what came of it
	@out=$$(TRIKK_FULL=1 APPS=$(APPS) go test -v -count=1 -timeout 40m ./e2e/batch 2>&1); status=$$?; \
	printf '%s\n' "$$out" | grep -v -e '^batch: ' -e '^=== ' -e '^PASS$$' -e '^FAIL$$' -e '^ok '; \
	printf '%s\n' "$$out" | grep '^batch: '; exit $$status

captures: ## play the scenes of cmd/trikk/captures_test.go on a fleet in this process, and write what they print into the docs
	TRIKK_CAPTURES=1 go test -vet=off -count=1 -timeout 10m -run '^TestCaptures$$' ./cmd/trikk

lint: ## go vet and staticcheck
	go vet ./...
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

PLANS ?= 1000
SEED ?= 1

simulate: ## run PLANS drawn plans with faults on a fleet in memory, from SEED on; a broken invariant fails and tells its seed
	@out=$$(PLANS=$(PLANS) SEED=$(SEED) go test -count=1 -timeout 60m -v -run '^TestSimulate$$' ./engine/model 2>&1); status=$$?; \
	printf '%s\n' "$$out" | grep -v -e '^simulate: ' -e '^=== ' -e '^---' -e '^PASS$$' -e '^FAIL$$' -e '^ok '; \
	printf '%s\n' "$$out" | grep '^simulate: '; exit $$status

mutants: ## seed mistakes into what passes between the engine's parts; the simulation must catch each
	@out=$$(SEED=$(SEED) go test -count=1 -timeout 60m -v -run '^TestMutants$$' ./engine/model 2>&1); status=$$?; \
	printf '%s\n' "$$out" | grep -v -e '^mutants: ' -e '^=== ' -e '^---' -e '^PASS$$' -e '^FAIL$$' -e '^ok '; \
	printf '%s\n' "$$out" | grep '^mutants: '; exit $$status

errors: ## make every mistake of cmd/trikk/testdata/errors, and compare what trikk says about it
	@out=$$(TRIKK_FULL=1 go test -vet=off -count=1 -timeout 20m -v -run '^TestErrors$$' ./cmd/trikk 2>&1); status=$$?; \
	printf '%s\n' "$$out" | grep -v -e '^errors: ' -e '^=== ' -e '^ *--- PASS' -e '^PASS$$' -e '^FAIL$$' -e '^FAIL	' -e '^ok ' | sed 's/^case: //'; \
	printf '%s\n' "$$out" | grep '^errors: '; exit $$status
