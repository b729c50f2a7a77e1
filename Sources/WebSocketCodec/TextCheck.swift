// The unsafe pointer is to a part of a message, valid during the call.

/// The check of one text message, over all of its parts (RFC 6455, section 8.1).
struct TextCheck {
    private var validator = UTF8Validator()
    private var count = 0

    /// Takes the next part; throws with the first byte that can't be UTF-8.
    @inline(__always)
    mutating func take(_ part: UnsafeRawBufferPointer) throws(WebSocketError) {
        if let index = validator.firstInvalid(in: part) {
            throw WebSocketError(
                kind: .invalidText, description: "a text message is not UTF-8 at byte \(count + index)")
        }
        count += part.count
    }

    /// The message is over.
    @inline(__always)
    func end() throws(WebSocketError) {
        guard validator.isComplete else {
            throw WebSocketError(
                kind: .invalidText, description: "a text message of \(count) bytes ends inside of a character")
        }
    }
}
