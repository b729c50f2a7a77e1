import MetricsRegistry

/// What a scrape says, as text.
func scrape(_ registry: MetricsRegistry, _ format: ExpositionFormat = .text, now: Int64 = 0) -> String {
    let buffer = ExpositionBuffer()
    registry.encode(format, now: now, into: buffer)
    return String(decoding: buffer.bytes, as: UTF8.self)
}

/// The samples of a scrape: what stands before the last space of a line, and after it.
func samples(_ text: String) -> [(series: String, value: String)] {
    text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
        guard let space = line.lastIndex(of: " ") else { return nil }
        return (String(line[..<space]), String(line[line.index(after: space)...]))
    }
}

/// The value of one series.
func value(of series: String, in text: String) -> String? {
    samples(text).first { $0.series == series }?.value
}
