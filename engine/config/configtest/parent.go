package configtest

const moduleFile = `module: "large.example@v0"
language: version: "v0.17.0"
`

const inventoryFile = `package environments

import "trikk.dev/schema"

environments: [Env=string]: schema.#Environment & {
	servers: [Name=_]: {address: "\(Name).\(Env).example", user: "deploy"}
	proxies: [Name=_]: {address: "\(Name).\(Env).example", user: "deploy"}
}
`

const proxiesPart = `	proxies: {
		lb1: driver: haproxy: {}
		lb2: driver: haproxy: {}
		web1: driver: nginx: {}
		inner1: driver: httpd: url: "http://127.0.0.1/balancer-manager"
	}
`

const policyFile = `package policy

import (
	"list"

	"trikk.dev/schema"
)

policies: "two-servers": schema.#Policy & {
	message:      "what is in prod runs on two servers"
	environments: ["prod"]
	app: servers: list.MinItems(2)
}
`

const teamFile = `package TEAM

app: {
	labels: team: "TEAM"
	rollout: onFailure: "revert"
	environments: {
		dev: servers: ["devFIRST"]
		test: servers: ["testFIRST", "testSECOND"]
		prod: servers: ["prodFIRST", "prodSECOND"]
	}
}
`

const serviceFile = `package service

import "trikk.dev/schema"

#Service: schema.#App & {
	name!: _
	user:  name
	artifact: maven: {
		repository: "https://artifacts.example/repository/releases"
		group:      "example.large"
		artifact:   name
		as:         "\(name).jar"
	}
	ports: http: _
	service: systemd: unit: name
	probes: health: http: {port: ports.http, path: "/health", deadline: "2m"}
	environments: [_]: E={
		files: "application.properties": properties: {
			"server.port": E.ports.http
			profile:       E.env
			memory:        *"512m" | _
		}
	}
}
`

const jobFile = `package job

import "trikk.dev/schema"

#Job: schema.#App & {
	name!: _
	user:  name
	artifact: maven: {
		repository: "https://artifacts.example/repository/releases"
		group:      "example.large"
		artifact:   name
		extension:  "tar.gz"
	}
	layout: {root: "/opt/\(name)", persist: ["state"]}
	modes: [{glob: "jobs/*", mode: "0755"}]
	files: "config/job.env": env: TZ: "Europe/Oslo"
	service: systemd: unit: "\(name).timer"
	probes: check: exec: command: "jobs/check"
	rollout: recreate: {}
}
`
