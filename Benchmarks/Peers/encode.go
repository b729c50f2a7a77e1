// client_golang with a counter in 42 families for each stream, all of which change before each scrape.
//
//	encode STREAMS              prints processor nanoseconds a line of exposition
//	encode STREAMS PORT-FILE    serves them at /metrics until its standard input ends
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
)

func processor() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano() + usage.Stime.Nano())
}

func encode(registry *prometheus.Registry, children []prometheus.Counter) {
	var buffer bytes.Buffer
	var times []float64
	for round := 0; round < 5; round++ {
		for _, child := range children {
			child.Add(10007)
		}
		buffer.Reset()
		began := processor()
		families, _ := registry.Gather()
		encoder := expfmt.NewEncoder(&buffer, expfmt.FmtText)
		for _, family := range families {
			encoder.Encode(family)
		}
		elapsed := processor() - began
		times = append(times, elapsed/float64(bytes.Count(buffer.Bytes(), []byte("\n"))))
	}
	sort.Float64s(times)
	fmt.Printf("%.1f\n", times[2])
}

func serve(registry *prometheus.Registry, portFile string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.WriteFile(portFile, []byte(fmt.Sprintln(listener.Addr().(*net.TCPAddr).Port)), 0o600)
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	go http.Serve(listener, nil)
	io.Copy(io.Discard, os.Stdin)
}

func main() {
	streams, _ := strconv.Atoi(os.Args[1])
	registry := prometheus.NewRegistry()
	names := []string{"stream", "profile", "tenant"}
	var children []prometheus.Counter
	for f := 0; f < 42; f++ {
		counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: fmt.Sprintf("holdfast_stream_value_%d_total", f), Help: "A value."}, names)
		registry.MustRegister(counter)
		for s := 0; s < streams; s++ {
			children = append(children, counter.WithLabelValues(fmt.Sprintf("stream-%d", s), "genesys-architect", fmt.Sprintf("tenant-%d", s%50)))
		}
	}
	if len(os.Args) > 2 {
		serve(registry, os.Args[2])
	} else {
		encode(registry, children)
	}
}
