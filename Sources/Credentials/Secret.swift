/// Text that must never be shown: not by printing it, not by describing what holds it, not in a crash's dump of values.
///
/// The value comes out only through ``reveal()``, so that every place which needs it can be found by that name.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let value: String

    /// Hides `value`.
    public init(_ value: String) {
        self.value = value
    }

    /// The value, for the wire and nothing else.
    public func reveal() -> String { value }

    /// Whether there is nothing to hide.
    public var isEmpty: Bool { value.isEmpty }

    /// Always `***`.
    public var description: String { "***" }

    /// Always `***`.
    public var debugDescription: String { "***" }

    /// Shows no children.
    public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
