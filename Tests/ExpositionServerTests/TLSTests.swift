import Foundation
import Testing

@testable import ExpositionServer

/// Talks TLS with the `openssl` program, which also makes the certificates; left out where it is not installed.
@Suite(.enabled(if: OpenSSL.isInstalled, "the openssl program is not installed"))
struct TLSTests {
    @Test func aHandshakeAndAnAnswer() throws {
        let files = try OpenSSL()
        let test = try TestServer(
            web: try WebConfiguration(tls: try files.tls(), headers: ["Strict-Transport-Security": "max-age=60"]))
        defer { test.server.stop() }
        let answer = try files.request(port: test.port)
        #expect(answer.contains("HTTP/1.1 200 OK") && answer.contains("Healthy"))
        #expect(answer.contains("Strict-Transport-Security: max-age=60"))
        #expect(answer.contains("TLSv1.3"))
        // Plain HTTP gets nothing, and disturbs nobody.
        let plain = try test.client()
        plain.request("GET", "/-/healthy")
        #expect(try !plain.read(through: "\r\n\r\n").contains("200"))
        #expect(try files.request(port: test.port, ["-tls1_2"]).contains("HTTP/1.1 200 OK"))
    }

    @Test func versionsAndSuites() throws {
        let files = try OpenSSL()
        let suite = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
        let tls = try files.tls(maximumVersion: .tls12, cipherSuites: [suite], curves: ["CurveP384"])
        let test = try TestServer(web: try WebConfiguration(tls: tls))
        defer { test.server.stop() }
        #expect(try !files.request(port: test.port, ["-tls1_3"]).contains("HTTP/1.1 200 OK"))
        let answer = try files.request(port: test.port)
        #expect(answer.contains("HTTP/1.1 200 OK") && answer.contains("ECDHE-RSA-AES256-GCM-SHA384"))
        #expect(answer.contains("P-384") || answer.contains("secp384r1"))
    }

    @Test func clientCertificates() throws {
        let files = try OpenSSL()
        let ours = ["-cert", files.path("client.pem"), "-key", files.path("client.key")]
        let foreign = ["-cert", files.path("foreign.pem"), "-key", files.path("foreign.key")]
        let expected: [(policy: ClientCertificatePolicy, without: Bool, ours: Bool, foreign: Bool)] = [
            (.requireAndVerify, false, true, false), (.verifyIfGiven, true, true, false),
            (.requireAny, false, true, true), (.request, true, true, true),
        ]
        for (policy, without, withOurs, withForeign) in expected {
            let test = try TestServer(web: try WebConfiguration(tls: try files.tls(policy)))
            defer { test.server.stop() }
            #expect(try files.request(port: test.port).contains("200 OK") == without, "\(policy), none")
            #expect(try files.request(port: test.port, ours).contains("200 OK") == withOurs, "\(policy), ours")
            #expect(try files.request(port: test.port, foreign).contains("200 OK") == withForeign, "\(policy), foreign")
        }
    }

    /// The beginning of a first message of 512 bytes.
    private static let halfHandshake: [UInt8] = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]

    private func half(_ test: TestServer) throws -> RawClient {
        let client = try RawClient(port: test.port, source: 0x7F00_0002)
        client.send(bytes: Self.halfHandshake)
        return client
    }

    @Test func handshakesThatStopInTheMiddleWaitAndEnd() throws {
        let files = try OpenSSL()
        let test = try TestServer(web: try WebConfiguration(tls: try files.tls()))
        defer { test.server.stop() }
        let clients = try (0..<20).map { _ in try half(test) }
        // They are not asked again and again: each is suspended until there is something to read.
        #expect(test.server.waits(forSuspendedHandshakes: 20))
        #expect(try files.request(port: test.port).contains("HTTP/1.1 200 OK"))
        #expect(test.server.waits(forSuspendedHandshakes: 20))
        // One goes on, a byte at a time, and waits again; one leaves.
        clients[0].send(bytes: [0])
        shutdownSending(clients[1])
        #expect(try clients[1].isClosedByServer())
        #expect(test.server.waits(forSuspendedHandshakes: 19))
        for client in clients.dropFirst(2) { _ = try test.textUntilOverdue(client, milliseconds: 11_000) }
        #expect(test.server.waits(forSuspendedHandshakes: 0))
        #expect(try files.request(port: test.port, ["-tls1_2"]).contains("HTTP/1.1 200 OK"))
    }

    @Test func handshakesOfOneClientAreCounted() throws {
        let files = try OpenSSL()
        let test = try TestServer(web: try WebConfiguration(tls: try files.tls())) {
            $0.limits.handshakesPerClient = 5
        }
        defer { test.server.stop() }
        let clients = try (0..<20).map { _ in try half(test) }
        for client in clients[5...] { #expect(try client.isClosedByServer()) }
        #expect(test.server.waits(forSuspendedHandshakes: 5))
        #expect(try files.request(port: test.port).contains("HTTP/1.1 200 OK"))
        // Those that are over count no more.
        for client in clients { shutdownSending(client) }
        #expect(test.server.waits(forSuspendedHandshakes: 0))
        // A connection is taken off the count when it is cleaned up, a moment after its handshake went on: until then a
        // further one is refused.
        var again: [RawClient] = []
        while test.server.suspendedHandshakes == 0, again.count < 600 {
            again.append(try half(test))
            usleep(100_000)
        }
        #expect(test.server.suspendedHandshakes > 0)
        withExtendedLifetime(again) {}
    }

    @Test func handshakesHaveAPace() {
        var pace = HandshakePace(burst: 3, intervalMilliseconds: 20)
        let start = MonotonicTime(nanoseconds: 1_000_000_000)
        func delay(_ client: UInt64, at milliseconds: Int) -> Int {
            let now = start.advanced(byMilliseconds: milliseconds)
            return pace.grant(client, now: now).milliseconds(since: now)
        }
        #expect((0..<6).map { _ in delay(1, at: 0) } == [0, 0, 0, 20, 40, 60])
        // Others do not wait for it, and its own debt is paid off with time.
        #expect(delay(2, at: 0) == 0)
        #expect(delay(1, at: 60) == 20)
        #expect((0..<4).map { _ in delay(1, at: 1000) } == [0, 0, 0, 20])
        // Nobody is remembered for ever, and a crowd does not make it grow.
        for client in 3..<20_000 as Range<UInt64> { _ = delay(client, at: 1000) }
        #expect(delay(1, at: 1000) == 0)
    }

    @Test func whoComesTooOftenHasToWait() throws {
        let files = try OpenSSL()
        let test = try TestServer(web: try WebConfiguration(tls: try files.tls())) {
            $0.limits.handshakesPerClient = 3
            $0.limits.handshakeIntervalMilliseconds = 3_600_000
        }
        defer { test.server.stop() }
        for _ in 0..<3 {
            let client = try half(test)
            #expect(test.server.waits(forSuspendedHandshakes: 1))
            shutdownSending(client)
            #expect(try client.isClosedByServer())
        }
        // Three more wait for an hour, and there is no room for others.
        let clients = try (0..<6).map { _ in try half(test) }
        for client in clients[3...] { #expect(try client.isClosedByServer()) }
        #expect(test.server.suspendedHandshakes == 0)
        #expect(try files.request(port: test.port).contains("HTTP/1.1 200 OK"))
        test.server.stop()
        for client in clients { #expect(try client.isClosedByServer()) }
    }

    @Test func whoHasWaitedIsServed() throws {
        let files = try OpenSSL()
        let test = try TestServer(web: try WebConfiguration(tls: try files.tls())) {
            $0.limits.handshakesPerClient = 1
            $0.limits.handshakeIntervalMilliseconds = 50
        }
        defer { test.server.stop() }
        for _ in 0..<4 { #expect(try files.request(port: test.port).contains("HTTP/1.1 200 OK")) }
    }

    @Test func theOldestOfTooManyHandshakesGivesWay() throws {
        let files = try OpenSSL()
        let test = try TestServer(web: try WebConfiguration(tls: try files.tls())) { $0.limits.handshakes = 5 }
        defer { test.server.stop() }
        let clients = try (0..<8).map { _ in try half(test) }
        for client in clients[..<3] { #expect(try client.isClosedByServer()) }
        #expect(test.server.waits(forSuspendedHandshakes: 5))
        #expect(try files.request(port: test.port).contains("HTTP/1.1 200 OK"))
    }

    @Test func aStopDoesNotWaitForHandshakes() throws {
        let files = try OpenSSL()
        let test = try TestServer(web: try WebConfiguration(tls: try files.tls())) {
            // Longer than the test may take.
            $0.limits.stopGraceMilliseconds = 3_600_000
        }
        let clients = try (0..<20).map { _ in try half(test) }
        #expect(test.server.waits(forSuspendedHandshakes: 20))
        test.server.stop()
        for client in clients { #expect(try client.isClosedByServer()) }
    }

    @Test func wrongFilesAreNamed() throws {
        let files = try OpenSSL()
        let missing = try TLSConfiguration(certificate: .file("/nonexistent.pem"), key: .file(files.path("server.key")))
        let noPEM = try TLSConfiguration(certificate: .inline("hello"), key: .file(files.path("server.key")))
        let otherKey = try TLSConfiguration(
            certificate: .file(files.path("server.pem")), key: .file(files.path("client.key")))
        for (tls, text) in [
            (missing, "tls_server_config: cannot read cert_file /nonexistent.pem: No such file or directory"),
            (noPEM, "tls_server_config: cert has no “BEGIN CERTIFICATE” in PEM form"),
            (otherKey, "tls_server_config: certificate and key cannot be used together: "),
        ] {
            let error = #expect(throws: ExpositionServerError.self) {
                _ = try TestServer(web: try WebConfiguration(tls: tls))
            }
            #expect(error?.description.hasPrefix(text) == true, "\(error?.description ?? "")")
        }
    }

    @Test func wrongNamesAreRefused() {
        #expect(throws: ExpositionServerError.self) {
            try Self.make { try .init(certificate: $0, key: $0, cipherSuites: ["X"]) }
        }
        #expect(throws: ExpositionServerError.self) {
            try Self.make { try .init(certificate: $0, key: $0, curves: ["P1"]) }
        }
        #expect(throws: ExpositionServerError.self) {
            try Self.make { try .init(certificate: $0, key: $0, minimumVersion: .tls13, maximumVersion: .tls12) }
        }
        #expect(throws: ExpositionServerError.self) {
            try Self.make { try .init(certificate: $0, key: $0, clientAuthorities: $0) }
        }
        #expect(ClientCertificatePolicy(name: "RequireClientCert") == .requireAny)
        #expect(ClientCertificatePolicy(name: "Sometimes") == nil)
    }

    private static func make(_ body: (PEMSource) throws -> TLSConfiguration) throws {
        _ = try body(.inline("-----BEGIN CERTIFICATE-----"))
    }
}

/// A directory of keys and certificates, and the client that uses them. Removed at the end.
final class OpenSSL: Sendable {
    static let program = "/usr/bin/openssl"
    static let isInstalled = FileManager.default.isExecutableFile(atPath: program)

    private let directory: URL

    /// Makes a server's certificate signed by itself, an authority with a client's certificate, one that nobody has
    /// signed but itself, and another such with alternative names.
    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("holdfast-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        for name in ["server", "foreign", "authority"] {
            let usage = name == "authority" ? ["-addext", "basicConstraints=critical,CA:TRUE"] : []
            let key = name == "server" ? ["rsa:2048"] : ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            try run(
                ["req", "-x509", "-nodes", "-newkey"] + key + [
                    "-days", "2", "-subj", "/CN=\(name)", "-keyout", path("\(name).key"), "-out", path("\(name).pem"),
                ] + usage)
        }
        try run([
            "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2",
            "-subj", "/CN=named", "-keyout", path("named.key"), "-out", path("named.pem"),
            "-addext", "extendedKeyUsage=clientAuth", "-addext",
            "subjectAltName=DNS:test3,email:ops@example.org,IP:127.0.0.9,IP:fd00::1,URI:spiffe://example.org/scraper",
        ])
        try run([
            "req", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=client",
            "-keyout", path("client.key"), "-out", path("client.csr"),
        ])
        try run([
            "x509", "-req", "-in", path("client.csr"), "-CA", path("authority.pem"), "-CAkey", path("authority.key"),
            "-CAcreateserial", "-days", "2", "-out", path("client.pem"),
        ])
    }

    deinit { remove() }

    func remove() { try? FileManager.default.removeItem(at: directory) }

    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    func tls(
        _ policy: ClientCertificatePolicy = .none, maximumVersion: TLSConfiguration.Version = .tls13,
        cipherSuites: [String] = [], curves: [String] = []
    ) throws -> TLSConfiguration {
        try TLSConfiguration(
            certificate: .file(path("server.pem")), key: .file(path("server.key")), clientCertificates: policy,
            clientAuthorities: policy == .none ? nil : .file(path("authority.pem")), maximumVersion: maximumVersion,
            cipherSuites: cipherSuites, curves: curves)
    }

    /// What `openssl s_client` prints when it asks for `/-/healthy`.
    func request(port: UInt16, _ arguments: [String] = [], headers: [String] = []) throws -> String {
        try run(
            ["s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", path("server.pem"), "-ign_eof"] + arguments,
            input: (["GET /-/healthy HTTP/1.1", "Host: x", "Connection: close"] + headers + ["", ""])
                .joined(separator: "\r\n"))
    }

    @discardableResult
    private func run(_ arguments: [String], input: String = "") throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments = arguments
        let (stdin, output) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = output
        process.standardError = output
        // A program that the server refuses may end before it reads: that must not end the tests by a signal.
        signal(SIGPIPE, SIG_IGN)
        try process.run()
        try? stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try? stdin.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text
    }
}
