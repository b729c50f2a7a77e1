import AuditTrail
import ConfigurationReader
import Credentials
import ExpositionServer
import Foundation
import Holdfast
import StreamModel
import StreamProfiles
import StreamRuntime
import StreamSupervisor
import Testing
import WebSocketTransport

@testable import HoldfastCommand

@Suite("The configuration file")
struct ConfigurationFileTests {
    private static let bad = SampleFolder("Configurations/bad")
    private static let good = SampleFolder("Configurations/good")
    private static let environment = [
        "GENESYS_SECRET": "s3cret-in-the-environment", "TOKEN": "t0ken-in-the-environment",
    ]

    private func load(_ text: String, _ file: String = "holdfast.yml") -> ConfigurationFile.Result {
        ConfigurationFile.load(text: text, file: file, environment: Self.environment)
    }

    private func text(_ diagnostics: [Diagnostic]) -> String {
        diagnostics.map { "\($0)\n" }.joined()
    }

    @Test("mistakes are named with their place and a way out", arguments: bad.names)
    func mistakes(name: String) throws {
        let result = load(try Self.bad.text("\(name).yml"), "\(name).yml")
        #expect(result.configuration == nil)
        #expect(text(result.diagnostics) == Self.bad.expected(name))
        #expect(result.diagnostics.contains { $0.severity == .error })
    }

    @Test("files without a mistake load, with their warnings", arguments: good.names)
    func sound(name: String) throws {
        let result = load(try Self.good.text("\(name).yml"), "\(name).yml")
        #expect(result.configuration != nil)
        #expect(text(result.diagnostics) == Self.good.expected(name))
    }

    @Test("there are many mistakes to make")
    func count() {
        #expect(Self.bad.names.count >= 40)
        #expect(Self.good.names.count >= 5)
    }

    @Test("no diagnostic shows the value of an environment variable")
    func secrets() throws {
        for name in Self.bad.names {
            let all = text(load(try Self.bad.text("\(name).yml"), name).diagnostics)
            for secret in Self.environment.values { #expect(!all.contains(secret), "\(name)") }
        }
    }

    @Test("every key reaches what it is for")
    func everyKey() throws {
        let configuration = try #require(load(try Self.good.text("every-key.yml")).configuration)
        let stream = try #require(configuration.plan.streams.first)
        #expect(stream.name == "queue-events")
        #expect(stream.profile.name == "genesys-architect")
        #expect(stream.credential == "genesys")
        #expect(stream.labels == [StreamIdentity.Label(name: "team", value: "ivr")])
        #expect(stream.clientID == "holdfast-1")
        #expect(stream.maxMessageSize == 1 << 20)
        #expect(stream.variables["subscriptions"] == .strings(["queueEvents", "conversationEvents"]))
        let policy = stream.policy
        #expect(policy.backoff.base == .seconds(1))
        #expect(policy.backoff.cap == .seconds(30))
        #expect(policy.backoff.jitter == .additive(ratio: 0.4))
        #expect(policy.backoff.maxAttempts == 10)
        #expect(policy.onExhausted == .park)
        #expect(policy.rearmAfter == .seconds(900))
        #expect(policy.tokenTimeout == .seconds(20))
        #expect(policy.closeTimeout == .seconds(1))
        #expect(policy.reorderWindow == .seconds(2))
        #expect(policy.rolloverJitter == 0.1)
        #expect(configuration.budget == ConnectBudget.Limits(rate: 50, burst: 100, concurrent: 64))
        #expect(configuration.audit.standardOutput)
        #expect(configuration.audit.file?.path == "/var/log/holdfast/audit.jsonl")
        #expect(configuration.audit.file?.maximumSize == 64 << 20)
        #expect(configuration.audit.file?.keep == 10)
        #expect(configuration.audit.file?.synchronization == .interval)
        #expect(configuration.stateDirectory == "/var/lib/holdfast")
        #expect(!configuration.tls.insecureSkipVerify)
        #expect(configuration.proxies.secure != nil)
        #expect(configuration.plan.credentials["token"] == .bearer(.environment("TOKEN")))
        #expect(configuration.plan.credentials["nothing"] == CredentialSpecification.none)
        guard case .oauth(let oauth) = configuration.plan.credentials["genesys"] else {
            Issue.record("no OAuth credential")
            return
        }
        #expect(oauth.tokenURL == "https://login.usw2.pure.cloud/oauth/token")
        #expect(oauth.clientSecret.reveal() == "s3cret-in-the-environment")
        #expect(oauth.scope == "architect:read")
        #expect(oauth.refreshBeforeExpiry == .seconds(60))
    }

    @Test("what a stream says goes before the defaults, which go before the profile")
    func defaults() throws {
        let configuration = try #require(load(try Self.good.text("defaults.yml")).configuration)
        let policy = try #require(configuration.plan.streams.first).policy
        #expect(policy.backoff.maxAttempts == 5)
        #expect(policy.backoff.jitter == .full)
        #expect(policy.onExhausted == .exit)
        #expect(policy.backoff.cap == .seconds(30))
    }

    @Test("a variable of the environment is put into any string")
    func expansion() throws {
        let configuration = try #require(load(try Self.good.text("variables-of-the-environment.yml")).configuration)
        #expect(configuration.plan.streams.map(\.name) == ["queue-t0ken-in-the-environment"])
    }

    @Test("secrets come from a file, with the line's end taken off, or stand there with a warning")
    func secretFiles() throws {
        let folder = try TemporaryFolder()
        let secret = try folder.write("from-a-file\n", "secret")
        let token = try folder.write("", "empty")
        let result = load(
            """
            credentials:
              a: {type: oauth2_client_credentials, token_url: "http://127.0.0.1:1/t", client_id: a, client_secret_file: \(secret)}
              b: {type: bearer, token: inline-token}
              c: {type: bearer, token_file: \(token)}
            streams: []
            """)
        #expect(
            text(result.diagnostics) == """
                holdfast.yml:3:28: warning: the token stands in the configuration itself; `token_file` or `token_env` keep it \
                out of it
                holdfast.yml:4:33: `\(token)` is empty; write the secret into it
                holdfast.yml:5:10: warning: there are no streams to hold

                """)
        #expect(result.configuration == nil)
    }

    @Test("the example that people start from loads")
    func example() throws {
        let folder = try TemporaryFolder()
        let secret = try folder.write("s3cret\n", "genesys")
        let authorities = try folder.write("", "ca.pem")
        let result = load(
            """
            credentials:
              genesys:
                type: oauth2_client_credentials      # or: bearer (token / token_file / token_env), none
                environment: usw2.pure.cloud         # or token_url: http://127.0.0.1:9400/oauth/token
                client_id: 6b1f…
                client_secret_file: \(secret)     # or client_secret_env, or client_secret (warned about)
                scope: architect:read
                refresh_before_expiry: 60s
            defaults: {}                             # any stream key below
            streams:
              - name: queue-events                   # becomes the label stream="queue-events"
                profile: genesys-architect           # genesys-notify, genesys-notifications, or one from profiles:
                environment: usw2.pure.cloud         # or url: ws://127.0.0.1:9400/api/v2/architect/websocket
                credential: genesys
                subscriptions: [queueEvents, conversationEvents]
                labels: {team: ivr}                  # extra labels on every series of this stream
                backoff:
                  base: 1s
                  cap: 30s
                  multiplier: 2
                  jitter: {kind: additive, ratio: 0.4}       # additive | full | equal | decorrelated | none
                  max_attempts: 10                   # 0: never give up
                  reset_after: 30s                   # how long a stream must hold before its retry count goes back to 0
                on_exhausted: park                   # park: this stream stops and says so; exit: the process ends
                rearm_after: 15m                     # a parked stream starts a fresh cycle after this; 0s: never
                connect_timeout: 10s
                ack_timeout: 5s
                heartbeat: {interval: 30s, timeout: 10s}
                silence_timeout: 0s                  # live but nothing received for this long: stalled; 0 off
                reorder_window: 2s
                max_message_size: 1MiB
            tls: {ca_file: \(authorities), insecure_skip_verify: false}
            proxy: {url: http://proxy.internal:3128}         # CONNECT; the usual environment variables too
            connect_budget: {rate: 50, burst: 100, concurrent: 64}   # handshakes a second per host and credential
            audit:
              stdout: true
              file: {path: /var/log/holdfast/audit.jsonl, max_size: 64MiB, keep: 10, fsync: interval}   # always | never
            state: {directory: /var/lib/holdfast}    # cursors that survive a restart; omitted: in memory only
            profiles: {}                             # streams of other services, in the form of the built-in ones
            """)
        #expect(text(result.diagnostics) == "")
        #expect(result.configuration?.tls.caFile == authorities)
    }

    @Test("what a proxy of the environment gets wrong is an error, unless the file names its own")
    func environmentProxy() {
        let environment = ["HTTPS_PROXY": "socks5://127.0.0.1:1"]
        let wrong = ConfigurationFile.load(text: "streams: []", file: "f.yml", environment: environment)
        #expect(wrong.configuration == nil)
        #expect(wrong.diagnostics.contains { $0.message.contains("HTTPS_PROXY") })
        let named = ConfigurationFile.load(
            text: "streams: []\nproxy: {url: \"http://127.0.0.1:1\"}", file: "f.yml", environment: environment)
        #expect(named.configuration != nil)
    }

    @Test("every beginning of a file is read without a crash")
    func prefixes() throws {
        let whole = try Self.good.text("every-key.yml")
        for length in stride(from: 0, to: whole.utf8.count, by: 7) {
            let result = load(String(decoding: whole.utf8.prefix(length), as: UTF8.self))
            #expect(result.configuration != nil || !result.diagnostics.isEmpty)
        }
    }
}

@Suite("The file of --web.config.file")
struct WebConfigurationFileTests {
    private static let bad = SampleFolder("WebConfigurations/bad")
    private static let good = SampleFolder("WebConfigurations/good")

    /// Diagnostics with the folder taken off.
    private func load(_ folder: SampleFolder, _ name: String) -> (isSound: Bool, text: String) {
        let (configuration, diagnostics) = WebConfigurationFile.load(path: "\(folder.path)/\(name).yml")
        let text = diagnostics.map { "\($0)\n" }.joined()
        return (configuration != nil, text.replacingOccurrences(of: folder.path + "/", with: ""))
    }

    @Test("mistakes are named with their place and a way out", arguments: bad.names)
    func mistakes(name: String) {
        let (isSound, text) = load(Self.bad, name)
        #expect(!isSound)
        #expect(text == Self.bad.expected(name))
        #expect(!text.isEmpty)
    }

    @Test("what exporters take is taken, with a warning where it has no effect", arguments: good.names)
    func sound(name: String) {
        let (isSound, text) = load(Self.good, name)
        #expect(isSound)
        #expect(text == Self.good.expected(name))
    }

    @Test("the folders are not empty")
    func count() {
        #expect(Self.bad.names.count >= 20)
        #expect(Self.good.names.count >= 8)
    }
}
