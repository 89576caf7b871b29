.PHONY: build test units e2e lint

build: ## build bin/trikk
	go build -o bin/trikk ./cmd/trikk

test: ## install what the tests need, then run all of them
	./e2e/install
	go vet ./...
	$(MAKE) --no-print-directory -j2 --output-sync=target units e2e

units: ## all tests but the end-to-end ones; they need no privileges
	go test -race -timeout 12m $$(go list ./... | grep -v /e2e)

e2e: ## the built trikk on a fleet of machines; needs root, or sudo
	go test -timeout 12m ./e2e/...

lint: ## staticcheck, as CI runs it
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
