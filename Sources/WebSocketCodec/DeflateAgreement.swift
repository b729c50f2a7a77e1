/// What both ends agreed on for permessage-deflate (RFC 7692, section 7.1).
public struct DeflateAgreement: Sendable, Hashable {
    /// The server starts each message with an empty window (section 7.1.1.1).
    public var serverNoContextTakeover: Bool
    /// The client starts each message with an empty window (section 7.1.1.2).
    public var clientNoContextTakeover: Bool
    /// Base-two logarithm of the server's window, 8 to 15 (section 7.1.2.1).
    public var serverMaxWindowBits: Int
    /// Base-two logarithm of the client's window, 8 to 15 (section 7.1.2.2).
    public var clientMaxWindowBits: Int

    /// An agreement. Window bits out of 8 to 15 are brought back to the nearest that is allowed.
    public init(
        serverNoContextTakeover: Bool = false, clientNoContextTakeover: Bool = false,
        serverMaxWindowBits: Int = 15, clientMaxWindowBits: Int = 15
    ) {
        self.serverNoContextTakeover = serverNoContextTakeover
        self.clientNoContextTakeover = clientNoContextTakeover
        self.serverMaxWindowBits = min(max(serverMaxWindowBits, 8), 15)
        self.clientMaxWindowBits = min(max(clientMaxWindowBits, 8), 15)
    }
}
