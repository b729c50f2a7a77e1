import ArgumentParser
import MetricsRegistry
import StreamMetrics

/// `holdfast metrics`: every metric that the exporter has, so that documents, dashboards and rules can be held to it.
struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Prints every metric that the exporter has, with its type, labels and meaning.",
        discussion: "Nothing is started. docs/metrics.md is what --markdown prints.")

    @Flag(help: "Names alone, one a line; of a histogram its base name.")
    var names = false

    @Flag(help: "A document in Markdown.")
    var markdown = false

    mutating func validate() throws {
        guard !(names && markdown) else { throw ValidationError("give --names or --markdown, not both") }
    }

    mutating func run() throws {
        if names {
            for entry in StreamMetrics.catalogue { print(entry.family.name) }
        } else if markdown {
            print(Self.document, terminator: "")
        } else {
            print(Self.list, terminator: "")
        }
    }

    /// For a terminal: a line with name, type and labels, and one with the meaning.
    static var list: String {
        StreamMetrics.catalogue.map { entry in
            let labels = entry.labels.isEmpty ? "" : "{\(entry.labels.joined(separator: ","))}"
            return "\(entry.family.name)\(labels) \(entry.family.kind.rawValue)\n    \(entry.family.help)\n"
        }.joined()
    }

    /// The text of docs/metrics.md.
    static var document: String {
        var text = """
            # Metrics

            <!-- Written by `holdfast metrics --markdown > docs/metrics.md`; a test compares. -->

            Every series of a stream exists from its start with 0 and disappears when the stream is removed. Series that
            have the label `stream` also have the extra labels that the stream's `labels:` give it. Labels other than
            names have closed sets of values, listed below.

            | name | type | labels | meaning |
            |---|---|---|---|

            """
        for entry in StreamMetrics.catalogue {
            let labels = entry.labels.map { "`\($0)`" }.joined(separator: ", ")
            let family = entry.family
            text += "| `\(family.name)` | \(family.kind.rawValue) | \(labels) | \(cell(family.help)) |\n"
        }
        text += "\n## Values of the labels\n\n"
        for entry in StreamMetrics.catalogue {
            guard let dimension = entry.family.dimension else { continue }
            let values = dimension.values.map { "`\($0)`" }.joined(separator: " ")
            text += "* `\(entry.family.name)`, `\(dimension.label)`: \(values)\n"
        }
        text += "\n## Buckets of the histograms\n\nUpper bounds in seconds; `+Inf` comes last.\n\n"
        for entry in StreamMetrics.catalogue where entry.family.kind == .histogram {
            let bounds = entry.family.bounds.map { "\($0)" }.joined(separator: " ")
            text += "* `\(entry.family.name)`: \(bounds)\n"
        }
        return text
    }

    /// A bar would end the cell.
    private static func cell(_ text: String) -> String {
        text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}
