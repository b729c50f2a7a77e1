public import StreamModel

/// One line of the trail, as every sink gets it.
public struct AuditLine: Hashable, Sendable {
    /// 1, 2, 3 … for the life of the trail.
    public let number: UInt64
    /// When it happened.
    public let time: WallTime
    /// What happened.
    public let event: AuditEventName
    /// The stream it happened to; empty where it concerns the whole process.
    public let stream: String
    /// The line's bytes: UTF-8 JSON, with the `\n` that ends it.
    public let bytes: [UInt8]
}

/// Where lines go; the label values of `holdfast_audit_dropped_total`.
public enum AuditSinkName: String, CaseIterable, Sendable {
    /// Standard output.
    case standardOutput = "stdout"
    /// The file.
    case file
}
