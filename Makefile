.PHONY: build test units e2e killtest lint

build: ## build bin/trikk
	go build -o bin/trikk ./cmd/trikk

test: ## install what the tests need, then run all of them
	./e2e/install
	go vet ./...
	$(MAKE) --no-print-directory -j2 --output-sync=target units e2e

units: ## all tests but the end-to-end ones; they need no privileges
	go test -race -timeout 20m $$(go list ./... | grep -v /e2e)

e2e: ## the built trikk on a fleet of machines; needs root, or sudo
	go test -timeout 30m ./e2e/...

killtest: ## trikk is killed at every write of its journal, on real sshd, and goes on
	TRIKK_FULL=1 go test -v -count=1 -timeout 60m -run 'TestKillAtEveryJournalWrite$$' ./e2e

lint: ## staticcheck, as CI runs it
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
