internal import StreamModel

/// Where a ``SinkWriter`` puts lines. Used by one thread at a time; may wait.
protocol LineDestination: Sendable {
    /// Whether what was written still has to be forced to the disk, and may be once in a while.
    var wantsSynchronization: Bool { get }
    /// Writes as many whole lines as it can, in order; tells how many, and why not all.
    mutating func write(_ lines: ArraySlice<AuditLine>) -> (count: Int, error: FileError?)
    /// Forces what was written to the disk.
    mutating func synchronize() -> FileError?
    /// Lets go of the file, and opens whatever has its name now.
    mutating func reopen() -> FileError?
    /// Ends, whatever happens.
    mutating func close()
}
