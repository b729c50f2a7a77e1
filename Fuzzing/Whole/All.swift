extension FuzzTarget {
    /// What this program can fuzz.
    static let all = [configuration, faults]
}
