// gorilla/websocket with a reused buffer: processor time of a message in nanoseconds.   receiver PORT
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"github.com/gorilla/websocket"
)

func processor() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano() + usage.Stime.Nano())
}

func main() {
	runtime.GOMAXPROCS(2)
	dialer := websocket.Dialer{ReadBufferSize: 65536}
	connection, _, err := dialer.Dial("ws://127.0.0.1:"+os.Args[1]+"/", nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	key := []byte("\"sequence\":")
	buffer := make([]byte, 0, 4096)
	var began float64
	var count, last uint64
	for {
		_, reader, err := connection.NextReader()
		if err != nil {
			break
		}
		buffer = buffer[:0]
		for {
			if len(buffer) == cap(buffer) {
				buffer = append(buffer, 0)[:len(buffer)]
			}
			n, err := reader.Read(buffer[len(buffer):cap(buffer)])
			buffer = buffer[:len(buffer)+n]
			if err != nil {
				break
			}
		}
		if at := bytes.Index(buffer, key); at >= 0 {
			last = 0
			for _, digit := range buffer[at+len(key):] {
				if digit < '0' || digit > '9' {
					break
				}
				last = last*10 + uint64(digit-'0')
			}
		}
		if count == 0 {
			began = processor()
		}
		count++
	}
	fmt.Printf("%.1f\n", (processor()-began)/float64(count-1))
	fmt.Fprintln(os.Stderr, "receiver.go:", count, "messages, last", last)
}
