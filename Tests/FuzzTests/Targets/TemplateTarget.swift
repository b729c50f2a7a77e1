import ConfigurationReader

@testable import StreamProfiles

extension FuzzTarget {
    /// The small languages: templates, pointers, durations, sizes. One in each line of the input.
    static let template = FuzzTarget(
        name: "template", seeds: ["Fuzzing/Corpus/template"],
        words: [
            "{a}", "{b?}", "{{", "}}", "{", "}", "?", "/", "~0", "~1", "~", "1h", "30s", "500ms", "y", "w", "d", "m",
            "KiB", "TiB", "-", ".",
            "9223372036854775807", "\u{301}", "\u{200D}", "👨‍👩‍👧", "\n",
        ], mostBytes: 300, shortRun: 2000
    ) { input in
        let lines = String(decoding: input, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        for line in lines.map(String.init) {
            try checkTemplate(line)
            try checkPointer(line)
            try checkQuantities(line)
        }
    }

    /// A template against the same done character by character.
    private static func checkTemplate(_ text: String) throws {
        guard let template = try? TextTemplate(parsing: text) else { return }
        let variables: [String: VariableValue] = ["a": .string("A/{b}"), "b": .integer(-7), "c": .null]
        var expected: String? = ""
        var rest = Substring(text)
        while let character = rest.popFirst() {
            if (character == "{" || character == "}") && rest.first == character {
                rest.removeFirst()
                expected?.append(character)
            } else if character == "{" {
                let name = rest.prefix { $0 != "}" }
                rest = rest.dropFirst(name.count + 1)
                switch name {
                case "a", "a?": expected?.append("A/{b}")
                case "b", "b?": expected?.append("-7")
                case "c", "c?": break
                default: if !name.hasSuffix("?") { expected = nil }
                }
            } else {
                expected?.append(character)
            }
        }
        let rendered = try? template.render(variables)
        try demand(rendered == expected, "\(text.debugDescription) gives \(String(describing: rendered))")
        if let url = try? template.renderURL(variables) {
            try demand(url.utf8.count <= 3 * (text.utf8.count + 5 * text.count), "an address that grew too much")
        }
    }

    private static func checkPointer(_ text: String) throws {
        guard let pointer = try? JSONPointer(parsing: text) else { return }
        try demand(pointer.description == text, "the pointer \(text.debugDescription) is written \(pointer)")
        try demand(pointer.steps.count <= JSONPointer.maximumSteps, "\(pointer.steps.count) steps")
    }

    private static func checkQuantities(_ text: String) throws {
        if case .success(let duration) = DurationGrammar.parse(text) {
            try demand(duration >= .zero, "\(text) is \(duration)")
            let again = DurationGrammar.parse(DurationGrammar.format(duration))
            try demand(again == .success(duration), "\(text) comes back as \(DurationGrammar.format(duration))")
        }
        if case .success(let size) = SizeGrammar.parse(text) {
            try demand(size >= 0, "\(text) is \(size)")
            try demand(SizeGrammar.parse(SizeGrammar.format(size)) == .success(size), "\(text) does not come back")
        }
    }
}
