extension DeflateAgreement {
    /// What our client offers: the server may limit our window, and may say anything about its own.
    public static let clientOffer = "permessage-deflate; client_max_window_bits"

    /// The server's side: picks the first acceptable offer out of the request's `Sec-WebSocket-Extensions`
    /// (several fields joined with commas) and gives the response's value. Nil where there is none: the header is then
    /// left out (RFC 7692, section 5).
    public static func negotiate(offer: String) -> (agreement: DeflateAgreement, response: String)? {
        nil
    }
}
