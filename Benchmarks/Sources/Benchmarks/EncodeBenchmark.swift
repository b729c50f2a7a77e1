import MetricsRegistry

/// Encoding the full catalogue, beside a memcpy of the same bytes into a used buffer. Between two scrapes every stream
/// changes, and one in a hundred is taken away and another added.
enum EncodeBenchmark {
    /// What a scrape writes before it sends it.
    private static let piece = 256 * 1024

    /// Prints: nanoseconds of processor time a line, as a scrape does it; of memcpy; bytes; lines; nanoseconds where the
    /// whole text goes into one buffer.
    static func run(streams: Int) {
        let population = Population(streams: streams)
        let first = ExpositionReader(population.exposition(round: 0))
        let size = population.exposition(round: 0).count
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: size * 2, alignment: 64)
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: size * 2, alignment: 64)
        whole.initializeMemory(as: UInt8.self, repeating: 1)
        copy.initializeMemory(as: UInt8.self, repeating: 1)
        let lines = whole[..<first.read(into: whole)].reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
        let parts = UnsafeMutableRawBufferPointer(rebasing: whole[..<piece])
        var inPieces: [Double] = []
        var inOne: [Double] = []
        var copying: [Double] = []
        let rounds: UInt64 = streams > 2000 ? 15 : 41
        var bytes = 0
        for round in 1...rounds {
            change(population, round: 2 * round)
            // Alternating, so that what else the machine does falls on all.
            let began = processorNanoseconds()
            encode(population, round: 2 * round, in: parts)
            let encoded = processorNanoseconds()
            change(population, round: 2 * round + 1)
            let beganAgain = processorNanoseconds()
            bytes = encode(population, round: 2 * round + 1, in: whole)
            let encodedAgain = processorNanoseconds()
            copy.copyMemory(from: UnsafeRawBufferPointer(rebasing: whole[..<bytes]))
            let copied = processorNanoseconds()
            inPieces.append((encoded - began) / Double(lines))
            inOne.append((encodedAgain - beganAgain) / Double(lines))
            copying.append((copied - encodedAgain) / Double(lines))
        }
        print(text(median(inPieces)), text(median(copying)), bytes, lines, text(median(inOne)))
        copy.deallocate()
        whole.deallocate()
    }

    private static func change(_ population: Population, round: UInt64) {
        population.exchange(population.count / 100)
        population.change(round: round)
    }

    /// One scrape, as often into `buffer` as it fills it; returns its bytes.
    @discardableResult
    private static func encode(
        _ population: Population, round: UInt64, in buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        let reader = ExpositionReader(population.exposition(round: round))
        var total = 0
        while true {
            let count = reader.read(into: buffer)
            if count == 0 { return total }
            total += count
        }
    }
}
