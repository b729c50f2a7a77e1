// The unsafe pointer is to a frame's payload, valid during the call and at most 125 bytes; its length is checked first.

/// What a close frame says (RFC 6455, section 5.5.1).
struct ClosePayload {
    let code: UInt16
    let reason: String

    /// Reads the payload of a close frame, at most 125 bytes.
    init(_ payload: UnsafeRawBufferPointer) throws(WebSocketError) {
        guard !payload.isEmpty else {
            code = CloseCode.noStatus
            reason = ""
            return
        }
        guard payload.count >= 2 else {
            throw WebSocketError(
                kind: .closePayloadTooShort, description: "a close frame has one byte, half of a code")
        }
        code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        guard CloseCode.isReceivable(code) else {
            throw WebSocketError(kind: .invalidCloseCode, description: "the close code \(code) must not be sent")
        }
        let text = UnsafeRawBufferPointer(rebasing: payload[2...])
        var validator = UTF8Validator()
        guard validator.firstInvalid(in: text) == nil, validator.isComplete else {
            throw WebSocketError(
                kind: .invalidCloseReason, description: "the reason beside the close code \(code) is not UTF-8")
        }
        reason = String(decoding: text, as: UTF8.self)
    }
}
