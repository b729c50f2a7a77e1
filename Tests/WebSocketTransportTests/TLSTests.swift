import Testing
import WebSocketTransport

@Suite(.timeLimit(.minutes(5))) struct TLSTests {
    private func options(caFile: String? = nil, insecure: Bool = false) -> WebSocketOptions {
        var options = WebSocketOptions.test
        options.dial.tls = TLSOptions(caFile: caFile, insecureSkipVerify: insecure)
        return options
    }

    @Test func trustsTheFileOfAuthorities() async throws {
        let server = try await RawServer.start(tls: try TestCertificates.serverContext()) {
            $0.upgrade(with: Wire.text("safe") + Wire.close(1000))
        }
        try await TestCertificates.withFile(TestCertificates.localhost) { file in
            // By address too: the certificate names it, and SNI must be left out.
            for host in ["127.0.0.1", "localhost"] {
                let record = try await Recorder.run("wss://\(host):\(server.port)/", options: options(caFile: file))
                #expect(
                    record.story == [.opened, .text("safe"), .closed(.peer, 1000, "")],
                    "\(String(describing: record.failure))")
                #expect(record.opening?.phases.tls != nil)
            }
        }
        try await server.stop()
    }

    @Test func framesAndTheEndInOneGo() async throws {
        let server = try await RawServer.start(tls: try TestCertificates.serverContext()) {
            $0.upgrade(with: Wire.text("a")) { $0.close() }
        }
        for _ in 0..<20 {
            let record = try await Recorder.run("wss://127.0.0.1:\(server.port)/", options: options(insecure: true))
            #expect(
                record.story == [
                    .opened, .text("a"), .closed(.endOfStream, 1006, "the connection ended without a close frame"),
                ])
        }
        try await server.stop()
    }

    @Test func refusesAnUnknownAuthority() async throws {
        let server = try await RawServer.start(tls: try TestCertificates.serverContext()) { $0.upgrade() }
        let record = try await Recorder.run("wss://localhost:\(server.port)/", options: options())
        #expect(record.failure?.kind == .tls)
        #expect(
            record.failure?.text.contains("no trusted authority vouches for it") == true,
            "\(record.failure?.text ?? "")")
        #expect(record.failure?.phases.tcp != nil)
        try await server.stop()
    }

    @Test func refusesAnotherName() async throws {
        let server = try await RawServer.start(tls: try TestCertificates.serverContext(TestCertificates.other)) {
            $0.upgrade()
        }
        try await TestCertificates.withFile(TestCertificates.other) { file in
            let record = try await Recorder.run("wss://localhost:\(server.port)/", options: options(caFile: file))
            #expect(record.failure?.kind == .tls)
            #expect(record.failure?.text.contains("is for another name") == true, "\(record.failure?.text ?? "")")
        }
        try await server.stop()
    }

    @Test func refusesAnExpiredCertificate() async throws {
        let server = try await RawServer.start(tls: try TestCertificates.serverContext(TestCertificates.expired)) {
            $0.upgrade()
        }
        try await TestCertificates.withFile(TestCertificates.expired) { file in
            let record = try await Recorder.run("wss://localhost:\(server.port)/", options: options(caFile: file))
            #expect(record.failure?.kind == .tls)
            #expect(record.failure?.text.contains("expired") == true, "\(record.failure?.text ?? "")")
        }
        try await server.stop()
    }

    @Test func takesAnyCertificateWhenTold() async throws {
        let server = try await RawServer.start(tls: try TestCertificates.serverContext(TestCertificates.expired)) {
            $0.upgrade(with: Wire.close(1000))
        }
        let record = try await Recorder.run("wss://localhost:\(server.port)/", options: options(insecure: true))
        #expect(record.story == [.opened, .closed(.peer, 1000, "")])
        try await server.stop()
    }

    @Test func saysThatTheServerDoesNotSpeakTLS() async throws {
        let server = try await RawServer.start { connection in
            connection.onBytes = { $0.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") }
        }
        let record = try await Recorder.run("wss://localhost:\(server.port)/", options: options())
        #expect(record.failure?.kind == .tls)
        #expect(record.failure?.text.contains("does not speak TLS") == true, "\(record.failure?.text ?? "")")
        try await server.stop()
    }

    @Test func aServerThatClosesInTheHandshake() async throws {
        let server = try await RawServer.start { $0.onBytes = { $0.close() } }
        let record = try await Recorder.run("wss://localhost:\(server.port)/", options: options())
        #expect(record.failure?.kind == .tls)
        #expect(
            record.failure?.text.contains("closed the connection during the TLS handshake") == true,
            "\(record.failure?.text ?? "")")
        try await server.stop()
    }

    @Test func aServerThatIsSilentInTheHandshakeTimesOut() async throws {
        let deadline = Deadline()
        let server = try await RawServer.start { $0.onBytes = { _ in deadline.pass() } }
        let record = try await Recorder.run("wss://127.0.0.1:\(server.port)/", hooks: deadline.hooks)
        #expect(record.failure?.kind == .timeout(.tls))
        try await server.stop()
    }

    @Test(arguments: ["", "no certificate\n"])
    func aFileThatHasNoAuthorityIsNamed(text: String) async throws {
        let server = try await RawServer.start { _ in }
        try await TestCertificates.withFile(text) { file in
            let record = try await Recorder.run("wss://localhost:\(server.port)/", options: options(caFile: file))
            #expect(record.failure?.kind == .tls)
            #expect(record.failure?.text.contains(file) == true, "\(record.failure?.text ?? "")")
        }
        try await server.stop()
    }
}
