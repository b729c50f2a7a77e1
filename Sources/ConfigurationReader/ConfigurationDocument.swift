// The unsafe pointer is `read`'s, with its length, and for the call alone.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A YAML file that a person wrote, read so that every mistake is found, not just the first.
///
/// Read it like this: take ``root``, ask it and what it holds for values of the wanted type, and look at
/// ``diagnostics`` when done. A value that is not what was asked for is reported and comes back as nil, and reading
/// goes on.
///
/// In any string `${NAME}` stands for an environment variable and `$${NAME}` for the literal text `${NAME}`; any
/// other `$` is itself. Keys are not expanded.
///
/// Not `Sendable`: a document and its values share one list of mistakes, and belong to the task that reads them.
public struct ConfigurationDocument {
    /// The document's value; nil where the text is no YAML at all. An empty file is an empty mapping.
    public let root: ConfigurationValue?
    private let context: ReadingContext

    /// Reads `bytes`, UTF-8 text that is called `file` in messages.
    public init(
        bytes: [UInt8], file: String, environment: [String: String] = [:], limits: ReadingLimits = ReadingLimits()
    ) {
        let context = ReadingContext(
            file: file, environment: environment, maximumDiagnostics: limits.maximumDiagnostics)
        self.context = context
        guard bytes.count <= limits.maximumBytes else {
            context.report(.error, at: .start, path: "", Self.tooLarge(limits.maximumBytes))
            root = nil
            return
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            context.report(.error, at: .start, path: "", "the file is UTF-16; save it as UTF-8")
            root = nil
            return
        }
        // A byte order mark is allowed and means nothing.
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        var composer = YAMLComposer(context: context, limits: limits)
        root = composer.compose(text).map { ConfigurationValue(node: $0, at: .root, context: context) }
    }

    /// Reads `text`, which is called `file` in messages.
    public init(
        text: String, file: String, environment: [String: String] = [:], limits: ReadingLimits = ReadingLimits()
    ) {
        self.init(bytes: Array(text.utf8), file: file, environment: environment, limits: limits)
    }

    /// Reads the file at `path`. A file that can't be read is a mistake like any other.
    public init(path: String, environment: [String: String] = [:], limits: ReadingLimits = ReadingLimits()) {
        switch Self.contents(of: path, atMost: limits.maximumBytes) {
        case .success(let bytes):
            self.init(bytes: bytes, file: path, environment: environment, limits: limits)
        case .failure(let problem):
            self.init(unreadable: path, message: problem.message)
        }
    }

    private init(unreadable file: String, message: String) {
        root = nil
        context = ReadingContext(file: file, environment: [:], maximumDiagnostics: 100)
        context.report(.error, at: .start, path: "", message)
    }

    /// The mistakes found so far, in the order of the file.
    public var diagnostics: [Diagnostic] { context.sorted }

    /// Whether one of the mistakes found so far is an error.
    public var hasErrors: Bool { context.errorCount > 0 }

    /// Adds a mistake that concerns the file as a whole.
    public func report(
        _ severity: Diagnostic.Severity = .error, at position: SourcePosition = .start, path: String = "",
        _ message: String
    ) {
        context.report(severity, at: position, path: path, message)
    }

    private struct Unreadable: Error {
        var message: String
    }

    private static func tooLarge(_ limit: Int) -> String {
        "the file is larger than \(SizeGrammar.format(limit)); divide it"
    }

    private static func contents(of path: String, atMost limit: Int) -> Result<[UInt8], Unreadable> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(unreadable(errno)) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return .failure(unreadable(errno))
            }
            if count == 0 { return .success(bytes) }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > limit { return .failure(Unreadable(message: tooLarge(limit))) }
        }
    }

    private static func unreadable(_ code: Int32) -> Unreadable {
        let text = String(cString: strerror(code))
        let advice =
            switch code {
            case ENOENT: "; check the path"
            case EACCES: "; make it readable for the user that runs this program"
            case EISDIR: "; name a file in it"
            default: ""
            }
        return Unreadable(message: "cannot be read: \(text)\(advice)")
    }
}
