import Testing
import WebSocketTransport

@Suite struct ProxySettingsTests {
    @Test func readsAProxyUrl() throws {
        let proxy = try ProxyOptions(url: "http://us%40er:p%3Ass@Proxy.Example:3128/")
        #expect(proxy == ProxyOptions(host: "proxy.example", port: 3128, username: "us@er", password: "p:ss"))
        #expect(try ProxyOptions(url: "proxy:8080") == ProxyOptions(host: "proxy", port: 8080))
        #expect(try ProxyOptions(url: "http://[::1]:8080") == ProxyOptions(host: "::1", port: 8080))
        #expect(try ProxyOptions(url: "http://proxy").port == 80)
    }

    @Test func neverShowsThePassword() throws {
        let proxy = try ProxyOptions(url: "http://u:hunter2@p:1")
        var dumped = ""
        dump(proxy, to: &dumped)
        for text in ["\(proxy)", String(reflecting: proxy), dumped] { #expect(!text.contains("hunter2"), "\(text)") }
    }

    @Test(arguments: ["https://p:1", "socks5://p:1", "http://", "http://p:0", "http://u%4:x@p:1", "http://u:%ff@p:1"])
    func refusesWhatIsNoProxy(url: String) {
        #expect(throws: ProxyError.self) { try ProxyOptions(url: url) }
    }

    @Test func choosesByScheme() throws {
        let settings = try ProxySettings.fromEnvironment(["HTTPS_PROXY": "http://s:1", "http_proxy": "http://p:2"])
        #expect(settings.proxy(for: try ConnectTarget("wss://h/"))?.host == "s")
        #expect(settings.proxy(for: try ConnectTarget("https://h/"))?.host == "s")
        #expect(settings.proxy(for: try ConnectTarget("ws://h/"))?.host == "p")
        #expect(settings.proxy(for: try ConnectTarget("http://h/"))?.host == "p")
    }

    @Test func lowerCaseWinsAndAllFillsIn() throws {
        let settings = try ProxySettings.fromEnvironment([
            "HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:1", "ALL_PROXY": "http://all:1",
        ])
        #expect(settings.secure?.host == "lower")
        #expect(settings.plain?.host == "all")
        let empty = try ProxySettings.fromEnvironment(["https_proxy": "", "ALL_PROXY": "http://all:1"])
        #expect(empty.secure == nil)
        #expect(try ProxySettings.fromEnvironment([:]) == ProxySettings())
        #expect(throws: ProxyError.self) { try ProxySettings.fromEnvironment(["HTTPS_PROXY": "ftp://x"]) }
    }

    @Test(arguments: [
        ("example.com", "wss://example.com/", true), ("example.com", "wss://a.example.com/", true),
        (".example.com", "wss://a.example.com/", true), ("*.example.com", "wss://a.example.com/", true),
        ("example.com", "wss://badexample.com/", false), ("example.com", "wss://example.com.evil/", false),
        ("Example.COM", "wss://example.com/", true), ("example.com:443", "wss://example.com/", true),
        ("example.com:80", "wss://example.com/", false), ("*", "wss://anything/", true),
        ("10.1.2.3", "wss://10.1.2.3/", true), ("10.0.0.0/8", "wss://10.255.0.1/", true),
        ("10.0.0.0/8", "wss://11.0.0.1/", false), ("192.168.4.0/22", "wss://192.168.7.9/", true),
        ("192.168.4.0/22", "wss://192.168.8.1/", false), ("0.0.0.0/0", "wss://8.8.8.8/", true),
        ("::1", "wss://[0:0::1]/", true), ("[::1]:443", "wss://[::1]/", true),
        ("2001:db8::/32", "wss://[2001:db8:1::5]/", true),
        ("10.0.0.0/8", "wss://example.com/", false), ("10.0.0.0/33", "wss://10.0.0.1/", false), ("", "wss://h/", false),
        ("a, b.example\tc", "wss://x.b.example/", true), ("///,::::,:", "wss://h/", false),
    ])
    func knowsExceptions(list: String, url: String, isDirect: Bool) throws {
        let settings = try ProxySettings.fromEnvironment(["HTTPS_PROXY": "http://p:1", "NO_PROXY": list])
        #expect((settings.proxy(for: try ConnectTarget(url)) == nil) == isDirect)
    }
}
