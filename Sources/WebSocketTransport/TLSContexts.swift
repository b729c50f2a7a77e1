import NIOConcurrencyHelpers
import NIOCore
import NIOSSL

/// The TLS contexts of the process, one for each set of options: loading the system's authorities takes milliseconds
/// and megabytes, so it is done once and not for every connection.
enum TLSContexts {
    private static let contexts = NIOLockedValueBox<[TLSOptions: NIOSSLContext]>([:])

    /// More sets of options than any configuration has; beyond it, the oldest knowledge is thrown away.
    private static let maxContexts = 64

    static func context(for options: TLSOptions) throws -> NIOSSLContext {
        try contexts.withLockedValue { contexts in
            if let context = contexts[options] { return context }
            let context = try makeContext(options)
            if contexts.count >= maxContexts { contexts.removeAll() }
            contexts[options] = context
            return context
        }
    }

    private static func makeContext(_ options: TLSOptions) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let file = options.caFile {
            let certificates: [NIOSSLCertificate]
            do {
                certificates = try NIOSSLCertificate.fromPEMFile(file)
            } catch {
                throw TLSOptionsError(description: "the CA file \(file) can't be read or is no PEM file")
            }
            guard !certificates.isEmpty else {
                throw TLSOptionsError(description: "the CA file \(file) has no certificate")
            }
            configuration.trustRoots = .certificates(certificates)
        }
        if options.insecureSkipVerify { configuration.certificateVerification = .none }
        // Offered, so that a server that also speaks HTTP/2 does not choose that.
        configuration.applicationProtocols = ["http/1.1"]
        // A peer that is gone must not hold the socket for long after we have closed it.
        configuration.shutdownTimeout = .seconds(1)
        return try NIOSSLContext(configuration: configuration)
    }
}

/// TLS options that can't be used.
struct TLSOptionsError: Error, CustomStringConvertible {
    let description: String
}
