/// What all values of one document share: the file's name, the environment, and the mistakes found so far.
///
/// A class, because every value that is read from the document adds to the same list. Reading a document is the work
/// of one task; nothing of this leaves it.
final class ReadingContext {
    let file: String
    let environment: [String: String]
    let maximumDiagnostics: Int
    private(set) var diagnostics: [Diagnostic] = []
    private var reported: Set<Diagnostic> = []
    private(set) var errorCount = 0
    private var hidden = HiddenTexts()

    init(file: String, environment: [String: String], maximumDiagnostics: Int) {
        self.file = file
        self.environment = environment
        self.maximumDiagnostics = maximumDiagnostics
    }

    /// From here on `text`, into which variables of the environment were put, is shown as it was `written`.
    func hide(_ text: String, writtenAs written: String) {
        hidden.add(text, writtenAs: written, environment)
    }

    func report(_ severity: Diagnostic.Severity, at position: SourcePosition, path: String, _ message: String) {
        if severity == .error { errorCount += 1 }
        guard diagnostics.count < maximumDiagnostics else { return }
        let diagnostic = Diagnostic(
            file: file, position: position, path: Self.line(path), message: Self.line(hidden.hide(in: message)),
            severity: severity)
        // A value that is read twice is still one mistake.
        if reported.insert(diagnostic).inserted { diagnostics.append(diagnostic) }
    }

    /// The mistakes in the order of the file; a last one says so where more were found than are listed.
    var sorted: [Diagnostic] {
        var list = diagnostics.enumerated()
            .sorted { ($0.element.position, $0.offset) < ($1.element.position, $1.offset) }
            .map(\.element)
        if list.count >= maximumDiagnostics, let last = list.last {
            list.append(
                Diagnostic(
                    file: file, position: last.position,
                    message: "more than \(maximumDiagnostics) mistakes; the others are not listed"))
        }
        return list
    }

    /// `text` on one line: what a file holds must not move the cursor of the terminal that its mistakes are read in.
    private static func line(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
