// Unsafe pointers, because this is the path of every message: into the decoder's input and into room on the stack, both
// longer alive than the collector; what does not lie in the input is handed on before the decoder goes on.

import WebSocketCodec

/// What the decoder finds, on its way to the delegate: messages that lie in the input are handed on together. The way
/// from here to a stream's counters leads through four objects, and going it once for each message of a flood would cost
/// as much as reading the message.
///
/// Lives on the stack, as long as one call of the decoder.
struct MessageCollector: WebSocketReceiver {
    /// Messages that are handed on together: as many as there is room for where a temporary allocation is still made on
    /// the stack, 1 KiB.
    static let most = 32

    private let handler: WebSocketHandler
    private let input: UnsafeRawBufferPointer
    private let storage: UnsafeMutableBufferPointer<WebSocketMessage>
    private var count = 0

    /// - Parameters:
    ///   - input: what the decoder is given.
    ///   - storage: room for ``most`` messages, valid as long as this.
    init(
        handler: WebSocketHandler, input: UnsafeRawBufferPointer, storage: UnsafeMutableBufferPointer<WebSocketMessage>
    ) {
        self.handler = handler
        self.input = input
        self.storage = storage
    }

    mutating func received(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
        storage.initializeElement(at: count, to: WebSocketMessage(kind, payload))
        count += 1
        // What was put together elsewhere is gone when the decoder goes on.
        if count == Self.most || !liesInInput(payload) { deliver() }
    }

    mutating func receivedPing(_ payload: UnsafeRawBufferPointer) {
        deliver()
        handler.receivedPing(payload)
    }

    mutating func receivedPong(_ payload: UnsafeRawBufferPointer) {
        deliver()
        handler.receivedPong(payload)
    }

    mutating func receivedClose(code: UInt16, reason: String) {
        deliver()
        handler.receivedClose(code: code, reason: reason)
    }

    /// Hands on what was collected.
    mutating func deliver() {
        guard count > 0 else { return }
        let messages = UnsafeBufferPointer(rebasing: storage[..<count])
        count = 0
        handler.received(messages)
    }

    private func liesInInput(_ payload: UnsafeRawBufferPointer) -> Bool {
        guard let start = payload.baseAddress, let first = input.baseAddress else { return false }
        return start >= first && start + payload.count <= first + input.count
    }
}
