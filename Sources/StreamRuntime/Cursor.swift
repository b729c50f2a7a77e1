/// Where a stream was: what it takes to resume it in another life of the process.
public struct Cursor: Hashable, Sendable, Codable {
    /// The stream's name.
    public var stream: String
    /// The identifier under which the server knows the session.
    public var clientID: String
    /// The highest sequence number whose message was counted; nil before the first, or where there are no numbers.
    public var lastSequence: UInt64?

    /// Where the stream `stream` was.
    public init(stream: String, clientID: String, lastSequence: UInt64?) {
        self.stream = stream
        self.clientID = clientID
        self.lastSequence = lastSequence
    }
}
