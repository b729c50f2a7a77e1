import Foundation

/// Inputs to begin from: files of the project.
enum Seeds {
    /// The project's folder.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// What the files directly in `folders` hold, in the order of their names; those that are too long are left out.
    static func load(_ folders: [String], mostBytes: Int) throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        for folder in folders {
            let place = root.appending(path: folder)
            for name in try FileManager.default.contentsOfDirectory(atPath: place.path).sorted() {
                // What it has of expected messages and keys is no input.
                guard !name.hasSuffix(".expected"), !name.hasSuffix(".pem"),
                    let data = try? Data(contentsOf: place.appending(path: name)), data.count <= mostBytes
                else { continue }
                seeds.append(Array(data))
            }
        }
        return seeds
    }
}
