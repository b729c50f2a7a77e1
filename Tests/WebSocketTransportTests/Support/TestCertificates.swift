import Foundation
import NIOSSL

/// Certificates for tests alone, all with the same key, which guards nothing. Valid from 2020 to 2119, apart from
/// the expired one.
enum TestCertificates {
    /// The key of all of them (prime256v1).
    static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzEZ8kygmS7H81AdU
        jGZR8PsUiks7wTHqUA7Ctss8SNWhRANCAATLI0ttoBTJgEP1GGHJedxzP+lkx0dH
        zVe0VxeBEF8DBV9DnOJ5KflalMy0zVektkdtK8C0mYIc6HMcg7v0MY0w
        -----END PRIVATE KEY-----
        """

    /// Self-signed; for localhost and 127.0.0.1.
    static let localhost = """
        -----BEGIN CERTIFICATE-----
        MIIBZzCCAQ2gAwIBAgIBAjAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
        c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
        CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMsjS22gFMmAQ/UY
        Ycl53HM/6WTHR0fNV7RXF4EQXwMFX0Oc4nkp+VqUzLTNV6S2R20rwLSZghzocxyD
        u/QxjTCjTjBMMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
        BTADAQH/MB0GA1UdDgQWBBSk5yxWEzTobyQlrGCpvtc6I89qojAKBggqhkjOPQQD
        AgNIADBFAiEA607Jfy5rcP4YUSbOKP28SY9RwqwtwhrPRqNZQc1BMv0CIFLUJGfu
        e2jAJquijgpuZKWwlMYiF3jSann1Qq507XmA
        -----END CERTIFICATE-----
        """

    /// As `localhost`, but it expired in January 2020.
    static let expired = """
        -----BEGIN CERTIFICATE-----
        MIIBZTCCAQugAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
        c3QwHhcNMjAwMTAxMDAwMDAwWhcNMjAwMTAyMDAwMDAwWjAUMRIwEAYDVQQDDAls
        b2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATLI0ttoBTJgEP1GGHJ
        edxzP+lkx0dHzVe0VxeBEF8DBV9DnOJ5KflalMy0zVektkdtK8C0mYIc6HMcg7v0
        MY0wo04wTDAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwDwYDVR0TAQH/BAUw
        AwEB/zAdBgNVHQ4EFgQUpOcsVhM06G8kJaxgqb7XOiPPaqIwCgYIKoZIzj0EAwID
        SAAwRQIgJIGbp7297allSwZ5YxB24v6TfNclE//O1Nv0Ib1Msm8CIQCP/CkXHZS1
        v48RMTLnN0+rEaJNu3urM4XNamD3DNgFBQ==
        -----END CERTIFICATE-----
        """

    /// Self-signed; for other.example.
    static let other = """
        -----BEGIN CERTIFICATE-----
        MIIBbTCCAROgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1vdGhlci5l
        eGFtcGxlMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYD
        VQQDDA1vdGhlci5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEyyNL
        baAUyYBD9RhhyXnccz/pZMdHR81XtFcXgRBfAwVfQ5zieSn5WpTMtM1XpLZHbSvA
        tJmCHOhzHIO79DGNMKNMMEowGAYDVR0RBBEwD4INb3RoZXIuZXhhbXBsZTAPBgNV
        HRMBAf8EBTADAQH/MB0GA1UdDgQWBBSk5yxWEzTobyQlrGCpvtc6I89qojAKBggq
        hkjOPQQDAgNIADBFAiBoCN+KTZBTBb9vlxnSotXiMFtzI9IIi+VBe8xhz/7HewIh
        ALFvPj5rREE2MwAmSsOdpe0mgRfsGfwFa7qXa1O4K2iI
        -----END CERTIFICATE-----
        """

    /// A server's side of TLS with one of the certificates.
    static func serverContext(_ certificate: String = localhost) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map {
            NIOSSLCertificateSource.certificate($0)
        }
        let key = try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key)))
    }

    /// Runs `body` with a file that holds `text`.
    static func withFile<R>(_ text: String, _ body: (String) async throws -> R) async throws -> R {
        let folder = FileManager.default.temporaryDirectory
        let file = folder.appendingPathComponent("transport-\(UUID().uuidString).pem")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try await body(file.path)
    }
}
