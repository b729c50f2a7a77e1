import Foundation
import Testing

/// The code that documents show is code that is compiled: each block stands, word for word, in a source of the tests or
/// of the example.
@Suite struct DocumentedCodeTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func files(_ folder: String, _ ending: String) -> [URL] {
        let found = FileManager.default.enumerator(at: root.appending(path: folder), includingPropertiesForKeys: nil)
        return (found?.compactMap { $0 as? URL } ?? []).filter { $0.lastPathComponent.hasSuffix(ending) }
    }

    /// Lines without their indentation, and without those that are empty.
    private static func lines(_ text: some StringProtocol) -> [String] {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    private static var compiled: [String] {
        get throws {
            let files = files("Tests/LibraryTests/Snippets", ".swift") + files("examples/service/Sources", ".swift")
            return try files.map {
                "\n" + lines(try String(contentsOf: $0, encoding: .utf8)).joined(separator: "\n") + "\n"
            }
        }
    }

    @Test func everyBlockOfSwiftIsCompiled() throws {
        let documents =
            Self.files("Sources/Holdfast/Holdfast.docc", ".md")
            + Self.files("docs", ".md") + ["README.md", "CONTRIBUTING.md"].map { Self.root.appending(path: $0) }
        let sources = try Self.compiled
        var blocks = 0
        for document in documents {
            let text = try String(contentsOf: document, encoding: .utf8)
            for block in text.matches(of: /```swift\n(?<code>[^`]*)```/) {
                blocks += 1
                let code = "\n" + Self.lines(block.output.code).joined(separator: "\n") + "\n"
                #expect(
                    sources.contains { $0.contains(code) },
                    "\(document.lastPathComponent): this stands in no compiled source:\n\(block.output.code)")
            }
        }
        #expect(blocks >= 12)
    }

    /// The tutorial ends with the example, and every line that one of its steps shows is still there at the end.
    @Test func theTutorialLeadsToTheExample() throws {
        let resources = Self.root.appending(path: "Sources/Holdfast/Holdfast.docc/Resources")
        for name in ["ExampleService", "Ledger"] {
            let steps = Self.files("Sources/Holdfast/Holdfast.docc/Resources", ".swift")
                .filter { $0.lastPathComponent.hasPrefix(name) }
                .sorted { $0.lastPathComponent < $1.lastPathComponent }
            let example = try String(
                contentsOf: Self.root.appending(path: "examples/service/Sources/ExampleService/\(name).swift"),
                encoding: .utf8)
            try #require(!steps.isEmpty, "\(resources.path) has no steps of \(name)")
            #expect(try String(contentsOf: steps[steps.count - 1], encoding: .utf8) == example)
            for step in steps {
                let shown = Self.lines(try String(contentsOf: step, encoding: .utf8))
                let difference = Set(shown).subtracting(Self.lines(example))
                #expect(difference.isEmpty, "\(step.lastPathComponent)")
            }
        }
    }
}
