// registry: an OCI registry in memory, with the referrers API unless told otherwise. It logs one line per request.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// withArtifactTypes corrects the referrers answer: the library names a referrer by its config's media type even where its manifest has
// an artifactType, which the distribution specification puts first.
func withArtifactTypes(inner http.Handler) http.Handler {
	get := func(path string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		inner.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer
	}
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		repository, _, isReferrers := strings.Cut(request.URL.Path, "/referrers/")
		if !isReferrers || request.Method != http.MethodGet {
			inner.ServeHTTP(writer, request)
			return
		}
		answer := get(request.URL.Path)
		var index v1.IndexManifest
		body := answer.Body.Bytes()
		if answer.Code == http.StatusOK && json.Unmarshal(body, &index) == nil {
			for i := range index.Manifests {
				var manifest struct{ ArtifactType string }
				found := get(repository + "/manifests/" + index.Manifests[i].Digest.String())
				if json.Unmarshal(found.Body.Bytes(), &manifest) == nil && manifest.ArtifactType != "" {
					index.Manifests[i].ArtifactType = manifest.ArtifactType
				}
			}
			body, _ = json.Marshal(index)
		}
		answer.Header().Del("Content-Length")
		for name, values := range answer.Header() {
			writer.Header()[name] = values
		}
		writer.WriteHeader(answer.Code)
		_, _ = writer.Write(body)
	})
}

func main() {
	address := flag.String("address", "127.0.0.1:0", "where to listen; port 0 picks a free one")
	noReferrers := flag.Bool("no-referrers", false, "answer 404 on the referrers API, as older registries do")
	addressFile := flag.String("address-file", "", "write the address that was taken to this file")
	flag.Parse()

	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	if *addressFile != "" {
		if err := os.WriteFile(*addressFile, []byte(listener.Addr().String()+"\n"), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	log.Printf("listening on %s", listener.Addr())
	// One line per request of a client, none for the handler's own look-ups.
	silent := registry.Logger(log.New(io.Discard, "", 0))
	store := registry.New(registry.WithReferrersSupport(!*noReferrers), silent)
	logged := http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		log.Printf("request %s %s", request.Method, request.URL.Path)
		withArtifactTypes(store).ServeHTTP(writer, request)
	})
	log.Fatal(http.Serve(listener, logged))
}
