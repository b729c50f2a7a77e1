/// The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` as it stands in the request (RFC 6455, section 4.2.2).
public func acceptKey(for key: some Sequence<UInt8>) -> String {
    ""
}

/// The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` as it stands in the request (RFC 6455, section 4.2.2).
public func acceptKey(for key: String) -> String {
    acceptKey(for: key.utf8)
}
