// Command trikk deploys applications to Linux servers behind reverse proxies.
package main

import "os"

func main() {
	os.Exit(Main(os.Args[1:], system()))
}
