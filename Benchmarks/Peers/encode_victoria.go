// VictoriaMetrics' metrics with a counter in 42 families for each stream.   encode_victoria STREAMS
//
// Prints processor nanoseconds a line of exposition.
package main

import (
	"bytes"
	"fmt"
	"os"
	"sort"
	"strconv"
	"syscall"

	"github.com/VictoriaMetrics/metrics"
)

func processor() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano() + usage.Stime.Nano())
}

func main() {
	streams, _ := strconv.Atoi(os.Args[1])
	set := metrics.NewSet()
	var children []*metrics.Counter
	for f := 0; f < 42; f++ {
		for s := 0; s < streams; s++ {
			name := fmt.Sprintf(`holdfast_stream_value_%d_total{profile="genesys-architect",stream="stream-%d",tenant="tenant-%d"}`, f, s, s%50)
			children = append(children, set.NewCounter(name))
		}
	}
	var buffer bytes.Buffer
	var times []float64
	for round := 0; round < 5; round++ {
		for _, child := range children {
			child.Add(10007)
		}
		buffer.Reset()
		began := processor()
		set.WritePrometheus(&buffer)
		elapsed := processor() - began
		times = append(times, elapsed/float64(bytes.Count(buffer.Bytes(), []byte("\n"))))
	}
	sort.Float64s(times)
	fmt.Printf("%.1f\n", times[2])
}
