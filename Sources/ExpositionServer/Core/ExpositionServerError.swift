/// Why the server could not start, in a sentence that names the cause and the way out.
public enum ExpositionServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A listen address is written wrongly or names no address of this machine.
    case address(String)
    /// The address cannot be listened on: taken, or not permitted.
    case listen(String)
    /// The certificate, the key, the users or the headers of the web configuration are wrong.
    case webConfiguration(String)
    /// libmicrohttpd refused to start, or the system is out of something.
    case start(String)

    /// The sentence.
    public var description: String {
        switch self {
        case .address(let text), .listen(let text), .webConfiguration(let text), .start(let text): text
        }
    }
}
