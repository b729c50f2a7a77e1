import NIOCore
import NIOSSL
import NIOTLS

/// Stands behind the TLS handler until the handshake is over, tells how it ended, and is then removed.
final class TLSHandshakeWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private var completion: ((Result<Void, any Error>) -> Void)?

    init(completion: @escaping (Result<Void, any Error>) -> Void) {
        self.completion = completion
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event { complete(.success(())) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard completion == nil else { return complete(.failure(error)) }
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        complete(.failure(NIOSSLError.handshakeFailed(.sslError([.eofDuringHandshake]))))
        context.fireChannelInactive()
    }

    private func complete(_ result: Result<Void, any Error>) {
        guard let completion else { return }
        self.completion = nil
        completion(result)
    }
}

/// What went wrong with TLS, in words for people.
enum TLSFailureText {
    /// - Parameters:
    ///   - error: what the TLS handler said.
    ///   - certificate: the server's, where it came that far.
    ///   - nowUnixSeconds: wall time, to tell an expired certificate from another.
    static func text(for error: any Error, certificate: NIOSSLCertificate?, nowUnixSeconds: Int64) -> String {
        if let error = error as? TLSOptionsError { return error.description }
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            return "the server's certificate is for another name"
        }
        let raw = String(describing: error)
        if raw.contains("CERTIFICATE_VERIFY_FAILED") || raw.contains("unableToValidateCertificate") {
            return "the server's certificate is not accepted: "
                + reason(certificate: certificate, nowUnixSeconds: nowUnixSeconds)
        }
        if raw.contains("WRONG_VERSION_NUMBER") || raw.contains("HTTP_REQUEST") {
            return "the server does not speak TLS on this port"
        }
        if let error = error as? NIOSSLError {
            switch error {
            case .handshakeFailed(.sslError(let stack)) where stack.contains(.eofDuringHandshake):
                return "the server closed the connection during the TLS handshake"
            case .handshakeFailed(.sslError(let stack)):
                return "the TLS handshake failed: \(words(of: stack))"
            case .uncleanShutdown:
                return "the server closed the connection during the TLS handshake"
            default: break
            }
        }
        if error is IOError { return "the connection broke during the TLS handshake (\(raw.prefix(200)))" }
        return "the TLS handshake failed: \(raw.prefix(200))"
    }

    private static func reason(certificate: NIOSSLCertificate?, nowUnixSeconds now: Int64) -> String {
        if let certificate {
            if Int64(certificate.notValidAfter) < now { return "it has expired" }
            if Int64(certificate.notValidBefore) > now { return "it is not valid yet (is the clock right?)" }
        }
        return "no trusted authority vouches for it (is it self-signed, or is a CA file missing?)"
    }

    /// BoringSSL's "error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER at …" → its last word.
    private static func words(of stack: NIOBoringSSLErrorStack) -> String {
        guard let first = stack.first else { return "no reason given" }
        let text = first.description.split(separator: " at ")[0]
        let word = text.split(separator: ":").last ?? text
        return word.replacing("_", with: " ").lowercased().trimmingPrefix(" ").prefix(200).description
    }
}
