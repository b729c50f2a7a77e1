import Foundation
import Testing

/// Files beside these tests that are read where they lie.
struct SampleFolder {
    let path: String

    init(_ name: String) {
        path = (#filePath as NSString).deletingLastPathComponent + "/" + name
    }

    /// The names of the configurations in it, without their ending.
    var names: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return files.filter { $0.hasSuffix(".yml") }.map { String($0.dropLast(4)) }.sorted()
    }

    func text(_ file: String) throws -> String {
        try String(contentsOfFile: "\(path)/\(file)", encoding: .utf8)
    }

    /// What `NAME.expected` says; nothing where there is no such file.
    func expected(_ name: String) -> String {
        (try? text("\(name).expected")) ?? ""
    }
}

/// A folder that is gone after the test.
final class TemporaryFolder {
    let path = FileManager.default.temporaryDirectory.appending(path: "holdfast-\(UUID().uuidString)").path

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ text: String, _ name: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: file))
        return file
    }
}
