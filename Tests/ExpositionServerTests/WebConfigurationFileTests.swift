import Foundation
import Testing

@testable import ExpositionServer

/// What exporter-toolkit's own examples show of the format, each with an equivalent here: what is good there is good here
/// and behaves as there, what is bad there is refused.
@Suite(.enabled(if: OpenSSL.isInstalled, "the openssl program is not installed"))
struct WebConfigurationFileTests {
    /// One for all: making keys takes its time.
    private static let shared: Result<OpenSSL, any Error> = Result { try OpenSSL() }
    private static let cleanUp: Void = { _ = atexit { try? WebConfigurationFileTests.shared.get().remove() } }()

    private static let suites = [
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    ]
    private let files: OpenSSL

    init() throws {
        files = try Self.shared.get()
        Self.cleanUp
    }

    /// A `tls_server_config` with the server's files and `lines`.
    private func tls(_ lines: String...) -> String {
        (["tls_server_config:", "  cert_file: server.pem", "  key_file: server.key"] + lines.map { "  \($0)" })
            .joined(separator: "\n") + "\n"
    }

    private func load(_ text: String, name: String = UUID().uuidString) throws -> WebConfiguration {
        let path = files.path("\(name).yml")
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        let (configuration, diagnostics) = WebConfigurationFile.load(path: path)
        return try #require(configuration, "\(diagnostics)")
    }

    /// Starts a server with `text` and asks it for something once for each of `clients`; whether that was answered.
    private func answers(_ text: String, _ clients: [[String]]) throws -> [Bool] {
        let test = try TestServer(web: try load(text))
        defer { test.server.stop() }
        return try clients.map { try files.request(port: test.port, $0).contains("HTTP/1.1 200 OK") }
    }

    private func certificate(_ name: String) -> [String] {
        ["-cert", files.path("\(name).pem"), "-key", files.path("\(name).key")]
    }

    @Test(arguments: [
        ("hallo\nwelt", "expected a mapping"),
        ("tls_server_config: {cert_filse: server.pem}", "unknown key `cert_filse`; did you mean `cert_file`?"),
        ("tls_server_config: {cert_file: \"\", key_file: server.key}", "`cert_file` is missing"),
        ("tls_server_config: {cert: \"\", key_file: server.key}", "found an empty string"),
        ("tls_server_config: {cert_file: server.pem, key_file: \"\"}", "`key_file` is missing"),
        ("tls_server_config: {cert_file: server.pem, key: \"\"}", "found an empty string"),
        ("tls_server_config: {cert_file: \"\", key_file: \"\", client_auth_type: x}", "`cert_file` is missing"),
        ("tls_server_config: {client_ca_file: authority.pem}", "`cert_file` is missing"),
        ("tls_server_config: {client_auth_type: RequireAndVerifyClientCert}", "`cert_file` is missing"),
        ("tls_server_config: {cert_file: none, key_file: server.key}", "cannot be read"),
        ("tls_server_config: {cert_file: server.pem, key_file: none}", "cannot be read"),
        ("tls_server_config: {cert_file: none, key_file: none}", "cannot be read"),
        ("tls_server_config: {cert_file: server.pem, key_file: server.key, client_ca_file: none}", "cannot be read"),
        (
            "tls_server_config: {cert_file: server.pem, key_file: server.key, client_ca_file: /dev/null}",
            "client_ca_file needs a client_auth_type other than NoClientCert"
        ),
        (
            "tls_server_config: {cert_file: server.pem, key_file: server.key, client_auth_type: Sometimes}",
            "unknown client_auth_type `Sometimes`"
        ),
        ("basic_auth_users: {john: doe}", "the password of “john” is no bcrypt hash"),
        (
            "tls_server_config: {cert_file: server.pem, key_file: server.key, "
                + "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA2048]}",
            "unknown cipher suite “TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA2048”"
        ),
        (
            "tls_server_config: {cert_file: server.pem, key_file: server.key, cipher_suites: [TLS_INVENTED]}\n"
                + "http_server_config: {http2: false}", "unknown cipher suite “TLS_INVENTED”"
        ),
        (
            "tls_server_config: {cert_file: server.pem, key_file: server.key, curve_preferences: [CurveP257]}",
            "unknown curve “CurveP257”"
        ),
        (
            "tls_server_config: {cert_file: server.pem, key_file: server.key, min_version: TLS111}",
            "found `TLS111`; did you mean `TLS11`?"
        ),
        (
            "tls_server_config: {cert_file: server.pem, key_file: server.key, max_version: TLS12, "
                + "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]}", "or set `http2: false`"
        ),
        ("http_server_config: {headers: {X-Content-Type-Options: sniff}}", "“sniff” is no value of"),
        ("http_server_config: {headers: {Content-Type: foo}}", "“Content-Type” cannot be configured"),
        ("http_server_config: {headers: {X-Frame-Options: foo}}", "“foo” is no value of X-Frame-Options"),
        ("rate_limit: {interval: soon}", "expected a duration"), ("rate_limit: {burst: -1}", "whole number"),
    ])
    func bad(text: String, complaint: String) throws {
        let path = files.path("\(UUID().uuidString).yml")
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        let (configuration, diagnostics) = WebConfigurationFile.load(path: path)
        #expect(configuration == nil)
        #expect(diagnostics.map { "\($0)" }.joined(separator: "\n").contains(complaint), "\(diagnostics)")
    }

    @Test func aFileThatIsNotThere() {
        #expect(WebConfigurationFile.load(path: files.path("somefile")).configuration == nil)
    }

    /// No TLS is asked for, so there is none.
    @Test(arguments: [
        "", "tls_server_config: {}", "tls_server_config: {min_version: TLS12}", "rate_limit: {interval: 0}",
    ])
    func plain(text: String) throws {
        let web = try load(text)
        #expect(web.tls == nil)
        let test = try TestServer(web: web)
        defer { test.server.stop() }
        for _ in 0..<10 { #expect(try test.answer("GET", "/-/healthy").status == 200) }
    }

    @Test func versionsSuitesAndCurves() throws {
        let lax = "client_auth_type: VerifyClientCertIfGiven"
        let old = ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"]
        #expect(try answers(tls(lax), [[], ["-tls1_2"], ["-tls1_3"], old]) == [true, true, true, false])
        #expect(try answers(tls(lax, "cipher_suites: [\(Self.suites.joined(separator: ", "))]"), [[]]) == [true])
        let some = tls(
            lax, "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]",
            "min_version: TLS12", "max_version: TLS12")
        let clients = [["-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], ["-cipher", "ECDHE-RSA-AES256-SHA"]]
        #expect(try answers(some, clients) == [true, false])
        #expect(try answers(tls(lax, "curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]"), [[]]) == [true])
        let curve = tls(lax, "min_version: TLS13", "curve_preferences: [CurveP521]")
        #expect(try answers(curve, [["-groups", "P-521"], ["-groups", "P-384"]]) == [true, false])
        let withoutHTTP2 =
            tls(lax, "max_version: TLS12", "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]")
            + "http_server_config: {http2: false}"
        #expect(try answers(withoutHTTP2, [[]]) == [true])
    }

    @Test func whoChoosesTheSuite() throws {
        func suite(_ order: String, prefersServer: Bool, client: String) throws -> String {
            let text = tls(
                "cipher_suites: [\(order)]", "prefer_server_cipher_suites: \(prefersServer)", "max_version: TLS12")
            let test = try TestServer(web: try load(text))
            defer { test.server.stop() }
            return try files.request(port: test.port, ["-cipher", client])
        }
        let (small, large) = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
        let wantsLarge = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"
        let wantsSmall = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
        let ours = try suite("\(small), \(large)", prefersServer: true, client: wantsLarge)
        #expect(ours.contains("Cipher is ECDHE-RSA-AES128-GCM-SHA256"))
        let theirs = try suite("\(large), \(small)", prefersServer: false, client: wantsSmall)
        #expect(theirs.contains("Cipher is ECDHE-RSA-AES128-GCM-SHA256"))
    }

    @Test func inlineTexts() throws {
        func indented(_ name: String) throws -> String {
            try String(contentsOfFile: files.path(name), encoding: .utf8)
                .split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        }
        let (certificate, key) = (try indented("server.pem"), try indented("server.key"))
        let inline = "tls_server_config:\n  cert: |\n\(certificate)\n  key: |\n\(key)\n"
        #expect(try answers(inline, [[]]) == [true])
        let half = "tls_server_config:\n  cert_file: server.pem\n  key: |\n\(key)\n"
        let any = half + "  client_auth_type: RequireAnyClientCert\n"
        #expect(try answers(any, [[], self.certificate("foreign")]) == [false, true])
        let authority =
            half + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca: |\n\(try indented("named.pem"))\n"
        #expect(
            try answers(authority, [[], self.certificate("foreign"), self.certificate("named")]) == [
                false, false, true,
            ])
    }

    @Test func clientCertificates() throws {
        let clients = [[], certificate("named"), certificate("foreign")]
        #expect(try answers(tls("client_auth_type: RequireAnyClientCert"), clients) == [false, true, true])
        #expect(try answers(tls("client_auth_type: RequireClientCert"), clients) == [false, true, true])
        #expect(try answers(tls("client_auth_type: RequestClientCert"), clients) == [true, true, true])
        let verified = tls("client_auth_type: RequireAndVerifyClientCert", "client_ca_file: named.pem")
        #expect(try answers(verified, clients) == [false, true, false])
        // Without authorities of its own it asks those of the system, who have signed neither.
        #expect(try answers(tls("client_auth_type: RequireAndVerifyClientCert"), clients) == [false, false, false])
        #expect(try answers(tls("client_auth_type: VerifyClientCertIfGiven"), clients) == [true, false, false])
    }

    @Test(arguments: [
        ("[one, test3, two]", true), ("[bad]", false), ("[]", false), ("[TEST3]", false), ("[ops@example.org]", true),
        ("[127.0.0.9]", true), ("[\"fd00::1\"]", true), ("[\"spiffe://example.org/scraper\"]", true),
        ("[named]", false),
    ])
    func clientNames(names: String, isAllowed: Bool) throws {
        let text = tls(
            "client_auth_type: RequireAndVerifyClientCert", "client_ca_file: named.pem", "client_allowed_sans: \(names)"
        )
        #expect(try answers(text, [certificate("named")]) == [isAllowed])
    }

    @Test func headers() throws {
        let text = """
            http_server_config:
              headers:
                X-Frame-Options: deny
                Strict-Transport-Security: max-age=31536000; includeSubDomains
                X-Content-Type-Options: nosniff
                X-XSS-Protection: 1
                Content-Security-Policy: ""
            """
        let test = try TestServer(web: try load(text))
        defer { test.server.stop() }
        for path in ["/metrics", "/", "/nothing"] {
            let answer = try test.answer("GET", path)
            #expect(answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains")
            #expect(answer["X-Frame-Options"] == "deny")
            #expect(answer["X-Content-Type-Options"] == "nosniff")
            #expect(answer["X-XSS-Protection"] == "1")
            // Blank is unset: the page keeps its own.
            #expect((answer["Content-Security-Policy"] != nil) == (path == "/"))
        }
    }

    @Test func users() throws {
        let decoy = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
        let users =
            "basic_auth_users:\n  dave: \(AuthenticationTests.hash)\n  bob: \(decoy.replacing("$10$", with: "$18$"))\n"
        let secure = try TestServer(web: try load(tls() + users))
        defer { secure.server.stop() }
        #expect(try files.request(port: secure.port).contains("HTTP/1.1 401 Unauthorized"))
        let test = try TestServer(web: try load("basic_auth_users:\n  dave: \(AuthenticationTests.hash)\n"))
        defer { test.server.stop() }
        func status(_ user: String, _ password: String) throws -> Int {
            let login = Data("\(user):\(password)".utf8).base64EncodedString()
            return try test.answer("GET", "/metrics", ["Authorization: Basic \(login)"]).status
        }
        #expect(try status("dave", "secret") == 200)
        #expect(try status("dave", "bad") == 401)
        // Neither a user that does not exist, with whatever password its stand-in has, nor a user name that looks like
        // what a cache of results might have for a key.
        for _ in 0..<2 { #expect(try status("fakeuser", "fakepassword") == 401) }
        #expect(try status("dave\(AuthenticationTests.hash)", "fakepassword") == 401)
        #expect(try status("dave", "\(decoy)fakepassword") == 401)
        #expect(try status("dave", "secret") == 200)
    }

    @Test func usersThroughTLS() throws {
        let users = "basic_auth_users:\n  dave: \(AuthenticationTests.hash)\n  carol: \(Self.carol)\n"
        let test = try TestServer(web: try load(tls() + users))
        defer { test.server.stop() }
        func answer(_ login: String) throws -> String {
            let headers = ["Authorization: Basic \(Data(login.utf8).base64EncodedString())"]
            return try files.request(port: test.port, headers: headers)
        }
        for login in ["dave:secret", "carol:carol123", "dave:secret"] {
            #expect(try answer(login).contains("HTTP/1.1 200 OK"), "\(login)")
        }
        for login in ["dave:bad", "dave:carol123", "nonexistent:nonexistent"] {
            #expect(try answer(login).contains("HTTP/1.1 401 Unauthorized"), "\(login)")
        }
    }

    /// Of "carol123", at the least cost.
    private static let carol = "$2y$04$zbcdefghijklmnopqrstuuDqzZclG7toOZYfzWamjD9AzH7XIVAIi"

    /// What one login has come to is never the answer to another, however many are verified and remembered at once.
    @Test func loginsAtTheSameTime() async throws {
        let users = "basic_auth_users:\n  dave: \(AuthenticationTests.hash)\n  carol: \(Self.carol)\n"
        let test = try TestServer(web: try load(users))
        defer { test.server.stop() }
        @Sendable func status(_ login: String) throws -> Int {
            let encoded = Data(login.utf8).base64EncodedString()
            return try test.answer("GET", "/-/healthy", ["Authorization: Basic \(encoded)"]).status
        }
        // Once proven, a login passes also from where too many others have failed.
        for login in ["dave:secret", "carol:carol123"] { #expect(try status(login) == 200) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for login in ["dave:secret", "carol:carol123"] {
                        let status = try status(login)
                        #expect(status == 200, "\(login)")
                    }
                    for login in ["dave:carol123", "carol:secret", "erin:secret"] {
                        let status = try status(login)
                        #expect([401, 429].contains(status), "\(login)")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func whoSpeaksTLSToPlainHTTP() throws {
        #expect(try answers("", [[]]) == [false])
    }

    @Test func rateLimit() throws {
        let none = try TestServer(web: try load("rate_limit: {interval: 0, burst: 0}"))
        defer { none.server.stop() }
        for _ in 0..<10 { #expect(try none.answer("GET", "/-/healthy").status == 200) }
        let never = try TestServer(web: try load("rate_limit: {interval: 1s, burst: 0}"))
        defer { never.server.stop() }
        #expect(try never.answer("GET", "/-/healthy").status == 429)
        let start = MonotonicTime.now()
        let limiter = RequestLimiter(RequestRateLimit(interval: .milliseconds(500), burst: 2))
        #expect((0..<3).map { _ in limiter.allows(now: start) } == [true, true, false])
        #expect(!limiter.allows(now: start.advanced(byMilliseconds: 499)))
        #expect(limiter.allows(now: start.advanced(byMilliseconds: 500)))
        #expect((0..<3).map { _ in limiter.allows(now: start.advanced(byMilliseconds: 9_000)) } == [true, true, false])
    }

    @Test func whatChangesComesIntoForce() throws {
        // One that lets nobody in, then one that does.
        let web = try load(tls("client_auth_type: RequireAndVerifyClientCert"), name: "reloaded")
        let test = try TestServer(web: web)
        defer { test.server.stop() }
        func asks() throws -> String { try files.request(port: test.port) }
        #expect(try !asks().contains("200 OK"))
        _ = try load(tls("client_auth_type: VerifyClientCertIfGiven"), name: "reloaded")
        test.server.tick(now: .now())
        #expect(try asks().contains("200 OK"))
        // A mistake changes nothing.
        try "tls_server_config: [".write(toFile: files.path("reloaded.yml"), atomically: false, encoding: .utf8)
        test.server.tick(now: .now())
        #expect(try asks().contains("200 OK"))
        // Another certificate, first with the key of the old one: that is none that could be used.
        func copy(_ name: String, to other: String) throws {
            try? FileManager.default.removeItem(atPath: files.path(other))
            try FileManager.default.copyItem(atPath: files.path(name), toPath: files.path(other))
        }
        try copy("foreign.pem", to: "renewed.pem")
        try copy("server.key", to: "renewed.key")
        _ = try load(tls().replacing("server.", with: "renewed."), name: "reloaded")
        for name in ["server", "foreign"] {
            try copy("\(name).key", to: "renewed.key")
            test.server.tick(now: .now())
            let answer = try asks()
            #expect(answer.contains("200 OK"))
            #expect(answer.contains("subject=CN = \(name)"), "\(answer)")
        }
        // Users and headers too; TLS itself does not go away while it serves.
        _ = try load(
            tls() + "basic_auth_users: {dave: \(AuthenticationTests.hash)}\n"
                + "http_server_config: {headers: {X-Frame-Options: deny}}\n", name: "reloaded")
        test.server.tick(now: .now())
        let answer = try asks()
        #expect(answer.contains("401 Unauthorized") && answer.contains("X-Frame-Options: deny"))
        _ = try load("", name: "reloaded")
        test.server.tick(now: .now())
        #expect(try asks().contains("401 Unauthorized"))
    }

    @Test func whoWasLetInHasToProveItAnew() throws {
        let web = try load("basic_auth_users: {dave: \(AuthenticationTests.hash)}", name: "users")
        let test = try TestServer(web: web)
        defer { test.server.stop() }
        let login = ["Authorization: Basic \(Data("dave:secret".utf8).base64EncodedString())"]
        #expect(try test.answer("GET", "/metrics", login).status == 200)
        _ = try load("basic_auth_users: {carol: \(AuthenticationTests.hash)}", name: "users")
        test.server.tick(now: .now())
        #expect(try test.answer("GET", "/metrics", login).status == 401)
        _ = try load("", name: "users")
        test.server.tick(now: .now())
        #expect(try test.answer("GET", "/metrics").status == 200)
    }
}
