import Foundation

/// Writes whole lines to standard output, at once: a person watches.
enum Terminal {
    static func write(_ line: String) {
        // A reader that has left is no reason to end.
        try? FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
    }
}

/// Writes whole lines to standard error.
enum StandardError {
    static func write(_ line: String) {
        try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
    }
}
