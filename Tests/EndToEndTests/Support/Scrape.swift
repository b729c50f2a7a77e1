import Foundation

/// A scrape in the text format of Prometheus, read by the format's own description.
struct Scrape {
    struct Series: Hashable {
        var name: String
        var labels: [String: String]
    }

    let text: String
    private(set) var samples: [Series: Double] = [:]
    private(set) var order: [Series] = []
    private(set) var types: [String: String] = [:]
    private(set) var help: [String: String] = [:]
    /// Series that came more than once, and lines that could not be read.
    private(set) var mistakes: [String] = []

    init(_ text: String) {
        self.text = text
        for line in text.split(separator: "\n") {
            if line.hasPrefix("#") {
                let words = line.split(separator: " ", maxSplits: 3).map(String.init)
                if words.count > 3, words[1] == "TYPE" { types[words[2]] = words[3] }
                if words.count > 3, words[1] == "HELP" { help[words[2]] = words[3] }
            } else {
                read(String(line))
            }
        }
    }

    private mutating func read(_ line: String) {
        var rest = Substring(line)
        let name = rest.prefix { $0 != "{" && $0 != " " }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest.removeFirst()
            while let next = rest.first, next != "}" {
                let label = rest.prefix { $0 != "=" }
                rest = rest.dropFirst(label.count + 2)
                var value = ""
                while let character = rest.popFirst(), character != "\"" {
                    guard character == "\\" else {
                        value.append(character)
                        continue
                    }
                    let escaped = rest.popFirst() ?? "\\"
                    value.append(escaped == "n" ? "\n" : escaped)
                }
                labels[String(label)] = value
                if rest.first == "," { rest.removeFirst() }
            }
            rest = rest.dropFirst()
        }
        let word = rest.split(separator: " ").first.map(String.init) ?? ""
        let value = word == "+Inf" ? Double.infinity : word == "NaN" ? Double.nan : Double(word)
        guard let value else {
            mistakes.append("no value: \(line)")
            return
        }
        let series = Series(name: String(name), labels: labels)
        if samples.updateValue(value, forKey: series) != nil { mistakes.append("twice: \(line)") }
        order.append(series)
    }

    /// The value of the one series of `stream` that has all of `labels`.
    subscript(name: String, stream: String, labels: [String: String]) -> Double? {
        value(name, labels.merging(["stream": stream]) { $1 })
    }

    subscript(name: String, stream: String) -> Double? { self[name, stream, [:]] }

    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let found = all(name, labels)
        return found.count == 1 ? found[0].value : nil
    }

    func all(_ name: String, _ labels: [String: String] = [:]) -> [(labels: [String: String], value: Double)] {
        order.compactMap { series in
            guard series.name == name, labels.allSatisfy({ series.labels[$0.key] == $0.value }) else { return nil }
            return (series.labels, samples[series] ?? .nan)
        }
    }
}
