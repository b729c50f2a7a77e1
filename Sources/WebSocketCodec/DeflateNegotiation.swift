extension DeflateAgreement {
    /// What our client offers: the server may limit our window, and may say anything about its own.
    public static let clientOffer = "permessage-deflate; client_max_window_bits"

    /// What our client offers where each message is to stand for itself. A context that is taken over from one message to
    /// the next costs a connection 40 KiB for as long as it lives, and the server 256: dear for thousands of connections
    /// that are mostly silent. A server that takes it over nevertheless is understood.
    public static let contextFreeClientOffer =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"

    /// The server's side: picks the first acceptable offer out of the request's `Sec-WebSocket-Extensions`
    /// (several fields joined with commas) and gives the response's value. Nil where there is none: the header is then
    /// left out (RFC 7692, section 5).
    public static func negotiate(offer: String) -> (agreement: DeflateAgreement, response: String)? {
        for element in ExtensionElement.list(offer) ?? [] where element.name == name {
            // An offer that is malformed or unknown is declined, the next one is tried (section 7.1).
            guard let parameters = DeflateParameters(element, allowsBareClientBits: true) else { continue }
            var response = name
            if parameters.serverNoContextTakeover { response += "; server_no_context_takeover" }
            if parameters.clientNoContextTakeover { response += "; client_no_context_takeover" }
            if let bits = parameters.serverBits { response += "; server_max_window_bits=\(bits)" }
            // Without a value the client only says that it understands the limit; we have no need of one.
            if let bits = parameters.clientBits { response += "; client_max_window_bits=\(bits)" }
            return (parameters.agreement, response)
        }
        return nil
    }

    /// The client's side: what the server's `Sec-WebSocket-Extensions` says to `clientOffer`.
    /// - Returns: nil where there is no extension in it.
    static func agreed(response: String, offered: Bool) throws(HandshakeError) -> DeflateAgreement? {
        guard let elements = ExtensionElement.list(response) else {
            throw HandshakeError(
                kind: .invalidExtension, description: "the server's Sec-WebSocket-Extensions is malformed")
        }
        guard let first = elements.first else { return nil }
        guard offered, elements.allSatisfy({ $0.name == name }) else {
            throw HandshakeError(
                kind: .invalidExtension, description: "the server chose an extension that was not asked for")
        }
        guard elements.count == 1 else {
            throw HandshakeError(
                kind: .invalidExtension, description: "the server chose permessage-deflate more than once")
        }
        guard let parameters = DeflateParameters(first, allowsBareClientBits: false) else {
            throw HandshakeError(
                kind: .invalidExtension,
                description: "the server's parameters of permessage-deflate are unknown, doubled or out of range")
        }
        return parameters.agreement
    }

    private static let name = "permessage-deflate"
}

/// The parameters of one offer or response (RFC 7692, section 7.1).
private struct DeflateParameters {
    var serverNoContextTakeover = false
    var clientNoContextTakeover = false
    var serverBits: Int?
    var clientBits: Int?

    /// Nil where a parameter is unknown, doubled or has a value that it must not have.
    /// - Parameter allowsBareClientBits: only an offer may leave out the value of `client_max_window_bits`
    ///   (section 7.1.2.2).
    init?(_ element: ExtensionElement, allowsBareClientBits: Bool) {
        guard Set(element.parameters.map(\.name)).count == element.parameters.count else { return nil }
        for parameter in element.parameters {
            switch (parameter.name, parameter.value) {
            case ("server_no_context_takeover", nil):
                serverNoContextTakeover = true
            case ("client_no_context_takeover", nil):
                clientNoContextTakeover = true
            case ("server_max_window_bits", let value?):
                guard let bits = Self.windowBits(value) else { return nil }
                serverBits = bits
            case ("client_max_window_bits", let value?):
                guard let bits = Self.windowBits(value) else { return nil }
                clientBits = bits
            case ("client_max_window_bits", nil) where allowsBareClientBits:
                break
            default:
                return nil
            }
        }
    }

    var agreement: DeflateAgreement {
        DeflateAgreement(
            serverNoContextTakeover: serverNoContextTakeover, clientNoContextTakeover: clientNoContextTakeover,
            serverMaxWindowBits: serverBits ?? 15, clientMaxWindowBits: clientBits ?? 15)
    }

    /// A decimal from 8 to 15 without leading zeros (section 7.1.2).
    private static func windowBits(_ text: String) -> Int? {
        (8...15).first { String($0) == text }
    }
}
