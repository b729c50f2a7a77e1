/// What a document may cost, so that no file can exhaust memory or time.
public struct ReadingLimits: Hashable, Sendable {
    /// The largest file, in bytes.
    public var maximumBytes = 8 * 1024 * 1024
    /// How deep mappings and lists may be nested.
    public var maximumDepth = 64
    /// How many nodes a document may have, those behind its aliases counted as often as they are used.
    public var maximumNodes = 1_000_000
    /// How often a document may refer to an anchor (`*name`).
    public var maximumAliases = 10_000
    /// How many mistakes are listed.
    public var maximumDiagnostics = 500

    /// 8 MiB, 64 levels, a million nodes, ten thousand aliases.
    public init() {}
}
