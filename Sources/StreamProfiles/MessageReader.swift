// Unsafe pointers are to the message at hand, valid during the call, and to memory that the reader owns: a class or an array
// in its place would be retained and checked for each message.

public import StreamModel

/// Reads the messages of one connection by a matcher. What a message has in common with the beginning of the one before is
/// not read again: the messages of a stream mostly begin alike, and what was found in the same bytes is the same.
///
/// Not for several threads.
public final class MessageReader {
    private let matcher: MessageMatcher
    private let memory: UnsafeMutablePointer<MessageMemory>

    /// A reader that has seen no message yet.
    public init(_ matcher: MessageMatcher) {
        self.matcher = matcher
        memory = .allocate(capacity: 1)
        memory.initialize(to: MessageMemory())
    }

    deinit {
        memory.pointee.deallocate()
        memory.deallocate()
    }

    /// The facts of the message in `bytes`, JSON in UTF-8: the same as a matcher's without a memory.
    public func facts(of bytes: UnsafeRawBufferPointer) -> MessageFacts {
        matcher.facts(of: bytes, with: memory)
    }

    /// Puts the facts of the message in `bytes` to `place`, which is initialized by it. Handed from function to function,
    /// they would be copied before they are written, which a processor waits for.
    public func read(_ bytes: UnsafeRawBufferPointer, into place: UnsafeMutablePointer<MessageFacts>) {
        place.initialize(to: matcher.facts(of: bytes, with: memory))
    }
}
