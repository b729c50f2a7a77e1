import Testing
import WebSocketTransport

@Suite struct ConnectTargetTests {
    @Test func takesAUrlApart() throws {
        let target = try ConnectTarget("wss://API.Example.com/api/v2/socket?access_token=s3cret&x=1?2")
        #expect(target.scheme == .wss)
        #expect(target.isSecure)
        #expect(target.host == "api.example.com")
        #expect(target.port == 443)
        #expect(target.path == "/api/v2/socket")
        #expect(target.query == "access_token=s3cret&x=1?2")
        #expect(target.requestTarget == "/api/v2/socket?access_token=s3cret&x=1?2")
        #expect(target.hostHeader == "api.example.com")
        #expect(target.authority == "api.example.com:443")
        #expect(!target.isAddress)
    }

    @Test func neverShowsTheQuery() throws {
        let target = try ConnectTarget("ws://h:81/p?token=s3cret")
        #expect("\(target)" == "ws://h:81/p")
    }

    @Test(arguments: [
        ("ws://h", 80, "h", "/"), ("wss://h/", 443, "h", "/"), ("http://h:80/a", 80, "h", "/a"),
        ("https://h:80", 80, "h:80", "/"), ("WS://h:8080?q", 8080, "h:8080", "/?q"), ("ws://h:/", 80, "h", "/"),
        ("ws://[::1]:9001/x", 9001, "[::1]:9001", "/x"), ("wss://[2001:DB8::1]", 443, "[2001:db8::1]", "/"),
        ("ws://127.0.0.1:65535/", 65535, "127.0.0.1:65535", "/"), ("ws://h/?", 80, "h", "/?"),
    ])
    func fillsInDefaults(url: String, port: Int, hostHeader: String, requestTarget: String) throws {
        let target = try ConnectTarget(url)
        #expect(target.port == port)
        #expect(target.hostHeader == hostHeader)
        #expect(target.requestTarget == requestTarget)
    }

    @Test func knowsAddresses() throws {
        #expect(try ConnectTarget("ws://[::1]/").isAddress)
        #expect(try ConnectTarget("ws://[::1]/").host == "::1")
        #expect(try ConnectTarget("ws://10.0.0.1/").isAddress)
        #expect(try !ConnectTarget("ws://10.0.0.1.example/").isAddress)
    }

    @Test(arguments: [
        ("", "no scheme"), ("example.com/x", "no scheme"), ("ftp://h/", "'ftp'"), ("ws:/h", "no scheme"),
        ("ws://", "no host"), ("ws:///path", "no host"), ("ws://:80/", "no host"), ("ws://u:p@h/", "user name"),
        ("ws://h/#f", "fragment"), ("ws://h/a b", "space"), ("ws://h/\u{e9}", "ASCII"), ("ws://h/\r\nX: y", "control"),
        ("ws://h:0/", "port"), ("ws://h:65536/", "port"), ("ws://h:-1/", "port"), ("ws://h:8a/", "port"),
        ("ws://h:99999999999999999999/", "port"), ("ws://[::1/", "']'"), ("ws://[::1]x/", "between"),
        ("ws://[nope]/", "IPv6"), ("ws://[fe80::1%25eth0]/", "IPv6"), ("ws://::1/", "host"), ("ws://h%41/", "name"),
    ])
    func refusesWhatCannotBeDialed(url: String, complaint: String) {
        let error = #expect(throws: ConnectTargetError.self) { try ConnectTarget(url) }
        let text = error?.description ?? ""
        #expect(text.contains(complaint) || (url == "ws://::1/" && text.hasPrefix("the URL has")), "\(text)")
    }

    @Test func isBounded() throws {
        let room = ConnectTarget.maxLength - "ws://h/".utf8.count
        _ = try ConnectTarget("ws://h/" + String(repeating: "x", count: room))
        #expect(throws: ConnectTargetError.self) {
            try ConnectTarget("ws://h/" + String(repeating: "x", count: room + 1))
        }
        #expect(throws: ConnectTargetError.self) { try ConnectTarget("ws://" + String(repeating: "h", count: 254)) }
    }

    @Test func doesNotTellSecretsInErrors() {
        for url in ["ws://user:hunter2@h/", "ws://h/?token=hunter2#f", "ws://h:x/?token=hunter2"] {
            let error = #expect(throws: ConnectTargetError.self) { try ConnectTarget(url) }
            #expect(error?.description.contains("hunter2") == false)
        }
    }
}
