.PHONY: build test lint

build: ## build bin/trikk
	go build -o bin/trikk ./cmd/trikk

test: ## install what the tests need, then run all of them
	./e2e/install
	go vet ./...
	go test -race -timeout 12m $$(go list ./... | grep -v /e2e)
	go test -timeout 10m ./e2e/...

lint: ## staticcheck, as CI runs it
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
