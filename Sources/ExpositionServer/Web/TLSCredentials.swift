internal import CMicrohttpd
internal import Glibc

/// What a TLS connection is made with: certificate, key, authorities, priorities, and what is asked of the client.
///
/// libmicrohttpd has one set for the life of a daemon. A session takes another one before its handshake, so that a
/// renewed certificate is in force for the next connection; those that are open keep theirs.
///
/// `@unchecked Sendable`: GnuTLS only reads credentials and priorities once they are made.
final class TLSCredentials: @unchecked Sendable {
    private let credentials: gnutls_certificate_credentials_t
    private let priorities: gnutls_priority_t
    private let policy: ClientCertificatePolicy
    private let allowedNames: Set<[UInt8]>?

    /// Fails where the key is not that of the certificate, or one of them cannot be understood.
    init(_ configuration: TLSConfiguration, material: TLSMaterial) throws(ExpositionServerError) {
        policy = configuration.clientCertificates
        allowedNames = configuration.allowedClientNames.map { Set($0.map { Array($0.utf8) }) }
        var allocated: gnutls_certificate_credentials_t?
        guard gnutls_certificate_allocate_credentials(&allocated) == 0, let allocated else {
            throw .start("cannot serve TLS: memory is out")
        }
        do throws(ExpositionServerError) {
            priorities = try Self.fill(allocated, material, verifies: configuration.clientCertificates.verifies)
        } catch {
            gnutls_certificate_free_credentials(allocated)
            throw error
        }
        credentials = allocated
    }

    deinit {
        gnutls_priority_deinit(priorities)
        gnutls_certificate_free_credentials(credentials)
    }

    private static let pem: UInt32 = 1  // GNUTLS_X509_FMT_PEM

    private static func fill(
        _ credentials: gnutls_certificate_credentials_t, _ material: TLSMaterial, verifies: Bool
    ) throws(ExpositionServerError) -> gnutls_priority_t {
        let key = withDatum(material.certificate) { certificate in
            withDatum(material.key) { gnutls_certificate_set_x509_key_mem(credentials, certificate, $0, pem) }
        }
        guard key >= 0 else {
            throw .webConfiguration(
                "tls_server_config: certificate and key cannot be used together: \(String(cString: gnutls_strerror(key)))"
            )
        }
        if let authorities = material.clientAuthorities {
            let count = withDatum(authorities) { gnutls_certificate_set_x509_trust_mem(credentials, $0, pem) }
            guard count > 0 else {
                let reason = count < 0 ? String(cString: gnutls_strerror(count)) : "it has no certificate"
                throw .webConfiguration("tls_server_config: client_ca_file cannot be used: \(reason)")
            }
        } else if verifies {
            // A system without authorities trusts nobody: every certificate is refused, none is taken unseen.
            _ = gnutls_certificate_set_x509_system_trust(credentials)
        }
        var cache: gnutls_priority_t?
        let failure = gnutls_priority_init(&cache, material.priorities, nil)
        guard failure == 0, let cache else {
            throw .webConfiguration(
                "tls_server_config: this GnuTLS does not take the versions, suites and curves: "
                    + String(cString: gnutls_strerror(failure)))
        }
        return cache
    }

    private static func withDatum<Result>(
        _ text: String, _ body: (UnsafePointer<cmicrohttpd_datum>) -> Result
    ) -> Result {
        var bytes = Array(text.utf8)
        defer { explicit_bzero(&bytes, bytes.count) }
        return bytes.withUnsafeMutableBufferPointer { bytes in
            var datum = cmicrohttpd_datum(data: bytes.baseAddress, size: UInt32(bytes.count))
            return body(&datum)
        }
    }

    /// Puts these in force for a session whose handshake has not begun. Must be kept until the session has ended.
    func apply(to session: gnutls_session_t) {
        gnutls_credentials_set(session, 1, UnsafeMutableRawPointer(credentials))  // GNUTLS_CRD_CERTIFICATE
        gnutls_priority_set(session, priorities)
        // GNUTLS_CERT_IGNORE, GNUTLS_CERT_REQUEST, GNUTLS_CERT_REQUIRE.
        let request: UInt32 =
            switch policy {
            case .none: 0
            case .request, .verifyIfGiven: 1
            case .requireAny, .requireAndVerify: 2
            }
        gnutls_certificate_server_set_request(session, request)
        guard policy != .none, policy.verifies || allowedNames != nil else { return }
        gnutls_db_set_ptr(session, Unmanaged.passUnretained(self).toOpaque())
        gnutls_session_set_verify_function(session, Self.verify)
    }

    /// Part of the handshake, which a result other than 0 ends.
    private static let verify: @convention(c) (gnutls_session_t?) -> Int32 = { session in
        guard let session, let context = gnutls_db_get_ptr(session) else { return -1 }
        let credentials = Unmanaged<TLSCredentials>.fromOpaque(context).takeUnretainedValue()
        var count: UInt32 = 0
        guard let peers = gnutls_certificate_get_peers(session, &count), count > 0 else {
            // That there is one at all is demanded elsewhere (GNUTLS_CERT_REQUIRE); a name can only be in one.
            return credentials.allowedNames == nil ? 0 : -1
        }
        if credentials.policy.verifies, cmicrohttpd_client_is_verified(session) == 0 { return -1 }
        guard let allowed = credentials.allowedNames else { return 0 }
        return alternativeNames(of: peers).contains(where: allowed.contains) ? 0 : -1
    }

    /// The subject alternative names of a certificate (RFC 5280 section 4.2.1.6), as text.
    private static func alternativeNames(of certificate: UnsafePointer<cmicrohttpd_datum>) -> [[UInt8]] {
        var parsed: gnutls_x509_crt_t?
        guard gnutls_x509_crt_init(&parsed) == 0, let parsed else { return [] }
        defer { gnutls_x509_crt_deinit(parsed) }
        guard gnutls_x509_crt_import(parsed, certificate, 0) == 0 else { return [] }  // GNUTLS_X509_FMT_DER
        var names: [[UInt8]] = []
        for index in 0..<UInt32(maximumNames) {
            var size = maximumNameBytes
            var kind: Int32 = -1
            let name = [UInt8](unsafeUninitializedCapacity: maximumNameBytes) { room, count in
                kind = gnutls_x509_crt_get_subject_alt_name(parsed, index, room.baseAddress, &size, nil)
                count = kind > 0 ? min(size, room.count) : 0
            }
            switch kind {
            case 1, 2, 3: names.append(name)  // DNS, e-mail, URI
            case 4: if let text = address(name) { names.append(text) }
            case -56: return names  // GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE: that was the last one.
            default: continue  // Of another kind, or longer than any name that could be allowed.
            }
        }
        return names
    }

    private static let maximumNames = 256
    private static let maximumNameBytes = 2048

    private static func address(_ bytes: [UInt8]) -> [UInt8]? {
        var bytes = bytes
        // An IPv4 address in the form of IPv6 is written as one of IPv4.
        if bytes.count == 16, bytes[..<12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] { bytes.removeFirst(12) }
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count)) != nil else {
            return nil
        }
        return text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    }
}
