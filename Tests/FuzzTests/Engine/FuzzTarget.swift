/// A reader of what others wrote, and what must hold whatever they wrote.
struct FuzzTarget: Sendable {
    /// What the command line calls it.
    let name: String
    /// Folders with inputs to begin from, seen from the project's own.
    let seeds: [String]
    /// Words of the language that is read, which chance would take long to find.
    var words: [String] = []
    /// The longest input that is tried, in bytes: long enough for every limit that is to be gone over.
    var mostBytes = 4096
    /// Inputs of the short run within the tests, which must not take longer than a second.
    var shortRun = 1000
    /// Reads an input; throws a ``Finding`` where something did not hold.
    let check: @Sendable ([UInt8]) throws -> Void
}

/// Something that must hold and did not.
struct Finding: Error, CustomStringConvertible {
    let description: String
}

/// Throws a finding unless `condition` holds.
func demand(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    if !condition { throw Finding(description: what()) }
}
