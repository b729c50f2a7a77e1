import Foundation

/// The text of a configuration in `examples/profiles`.
func example(_ name: String) throws -> String {
    try String(contentsOf: repository.appending(path: "examples/profiles/\(name).yml"), encoding: .utf8)
}

/// The top of the source tree.
let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
