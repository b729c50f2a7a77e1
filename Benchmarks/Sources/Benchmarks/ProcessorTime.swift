import Glibc

/// Processor time of this process, user and system, in nanoseconds.
func processorNanoseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// A monotonic clock, in nanoseconds.
func monotonicNanoseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// Allocations so far, where `allocations.so` is preloaded; nil where it is not.
func allocationCount() -> UInt? {
    guard let symbol = dlsym(nil, "holdfast_allocations") else { return nil }
    typealias Count = @convention(c) () -> UInt
    return unsafeBitCast(symbol, to: Count.self)()
}

/// The middle of `values`; 0 where there are none.
func median(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
}

/// A number with one digit behind the point.
func text(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(abs(tenths % 10))"
}

/// Writes a line to standard error.
func complain(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
}

/// Ends with a sentence.
func fail(_ reason: String) -> Never {
    complain("benchmarks: \(reason)")
    exit(1)
}
