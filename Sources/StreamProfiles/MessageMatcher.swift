// Unsafe pointers to a message are valid during the call, those to tables as long as the matcher.

public import StreamModel

/// Reads the facts of a message out of its bytes: what it is for, its number, its identifier. Compiled once from a
/// profile; one pass, no tree, no text, no allocation. A ``MessageReader`` is faster where many come one after the other.
///
/// * Of a key that stands twice the first value counts.
/// * Nothing behind the last place of interest is looked at, so JSON that is broken there goes unnoticed. JSON that is
///   found broken is an event without a number.
/// * A number is a sequence number if it is written as a whole number from 0 to 2⁶³ − 1: `1.0`, `1e3` and `-1` are not.
public final class MessageMatcher: @unchecked Sendable {
    // Unchecked for its sake: what it points to is never written once the matcher is made.
    let view: UnsafeMutablePointer<MatcherView>

    /// A matcher by `tables`; without any, every message is an event.
    init(_ tables: MatcherTables = MatcherTables()) {
        view = .allocate(capacity: 1)
        view.initialize(to: MatcherView(tables))
    }

    deinit {
        view.pointee.deallocate()
        view.deallocate()
    }

    /// The facts of the message in `bytes`, JSON in UTF-8.
    public func facts(of bytes: UnsafeRawBufferPointer) -> MessageFacts {
        facts(of: bytes, with: nil)
    }

    /// The facts of the message in `bytes`, for whoever has an array.
    public func facts(of bytes: [UInt8]) -> MessageFacts {
        bytes.withUnsafeBytes { facts(of: $0) }
    }

    /// The same, with a memory of what messages begin with.
    @inline(__always)
    func facts(of bytes: UnsafeRawBufferPointer, with memory: UnsafeMutablePointer<MessageMemory>?) -> MessageFacts {
        guard view.pointee.wanted != 0, let start = bytes.bindMemory(to: UInt8.self).baseAddress else {
            return MessageFacts(role: .event)
        }
        return withUnsafeTemporaryAllocation(of: MessageScanner.Level.self, capacity: JSONPointer.maximumSteps + 1) {
            levels in
            var scanner = MessageScanner(
                text: JSONSpan(start: start, end: start + bytes.count), view: view, levels: levels, memory: memory)
            guard scanner.scan() else { return MessageFacts(role: .event) }
            return scanner.facts
        }
    }
}
