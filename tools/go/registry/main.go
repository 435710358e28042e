// registry: an OCI registry in memory, with the referrers API unless told otherwise. It logs one line per request.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "where to listen; port 0 picks a free one")
	noReferrers := flag.Bool("no-referrers", false, "answer 404 on the referrers API, as older registries do")
	portFile := flag.String("address-file", "", "write the address that was taken to this file")
	flag.Parse()

	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	if *portFile != "" {
		if err := os.WriteFile(*portFile, []byte(listener.Addr().String()+"\n"), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	log.Printf("listening on %s", listener.Addr())
	handler := registry.New(registry.WithReferrersSupport(!*noReferrers), registry.Logger(log.New(os.Stderr, "", log.LstdFlags)))
	log.Fatal(http.Serve(listener, handler))
}
