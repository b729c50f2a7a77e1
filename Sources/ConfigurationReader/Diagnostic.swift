/// A mistake in a file that a person wrote: where it is, what is wrong, and a way out.
public struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    /// How bad it is.
    public enum Severity: String, Hashable, Sendable {
        /// The file can't be used as it is.
        case error
        /// The file can be used, but something in it is likely not meant so.
        case warning
    }

    /// The file as it was named by whoever asked for it.
    public var file: String
    /// Where in the file it is.
    public var position: SourcePosition
    /// The key it is about, such as `streams[1].backoff.cap`; empty for the file as a whole.
    public var path: String
    /// What is wrong, and what to do. Never holds the value of an environment variable.
    public var message: String
    /// How bad it is.
    public var severity: Severity

    /// A mistake at `position` of `file`.
    public init(
        file: String, position: SourcePosition, path: String = "", message: String, severity: Severity = .error
    ) {
        self.file = file
        self.position = position
        self.path = path
        self.message = message
        self.severity = severity
    }

    /// The line, counted from 1.
    public var line: Int { position.line }
    /// The column in Unicode scalars, counted from 1.
    public var column: Int { position.column }

    /// `file:line:column: message`; a warning says so before its message.
    public var description: String {
        let mark = severity == .warning ? "warning: " : ""
        return "\(file):\(position.line):\(position.column): \(mark)\(message)"
    }
}

/// A position in a text, counted as editors count.
public struct SourcePosition: Hashable, Comparable, Sendable {
    /// The line, counted from 1.
    public var line: Int
    /// The column in Unicode scalars, counted from 1.
    public var column: Int

    /// The position at `line` and `column`, both counted from 1.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// The beginning of a text.
    public static let start = SourcePosition(line: 1, column: 1)

    /// Whether `left` lies before `right`.
    public static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}
