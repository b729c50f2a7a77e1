import MetricsRegistry

/// Encoding the full catalogue, beside a memcpy of the same bytes into a used buffer. Between two scrapes every stream
/// changes, and one in a hundred is taken away and another added.
enum EncodeBenchmark {
    /// Prints: nanoseconds of processor time a line, of memcpy, bytes, lines.
    static func run(streams: Int) {
        let population = Population(streams: streams)
        let buffer = ExpositionBuffer()
        var encoding: [Double] = []
        var copying: [Double] = []
        let rounds: UInt64 = streams > 2000 ? 15 : 41
        population.encode(round: 0, into: buffer)
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: buffer.count * 2, alignment: 64)
        copy.initializeMemory(as: UInt8.self, repeating: 1)
        var lines = 0
        for round in 1...rounds {
            population.exchange(streams / 100)
            population.change(round: round)
            // Alternating, so that what else the machine does falls on both.
            let began = processorNanoseconds()
            population.encode(round: round, into: buffer)
            let encoded = processorNanoseconds()
            copy.copyMemory(from: buffer.bytes)
            let copied = processorNanoseconds()
            if lines == 0 { lines = buffer.bytes.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) } }
            encoding.append((encoded - began) / Double(lines))
            copying.append((copied - encoded) / Double(lines))
        }
        print(text(median(encoding)), text(median(copying)), buffer.count, lines)
        copy.deallocate()
    }
}
