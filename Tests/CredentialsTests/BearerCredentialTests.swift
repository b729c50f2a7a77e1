import Glibc
import StreamModel
import Testing

@testable import Credentials

/// Files that a test writes; counts how often they are read.
private final class TestFiles: TokenFileReading {
    // Tests are the only caller, one thread at a time; the lock is for the compiler's peace.
    struct State {
        var content: [String: String] = [:]
        var changed: Int64 = 0
        var reads = 0
    }
    let state = Locked(State())

    func write(_ text: String?, to path: String) {
        state.with {
            $0.content[path] = text
            $0.changed += 1
        }
    }

    func stamp(of path: String) throws(TokenFileError) -> TokenFileStamp {
        let (content, changed) = state.with { ($0.content[path], $0.changed) }
        guard let content else { throw TokenFileError(description: "\(path): No such file or directory") }
        return TokenFileStamp(identity: [1, 1], size: Int64(content.utf8.count), changed: changed)
    }

    func read(_ path: String, limit: Int) throws(TokenFileError) -> [UInt8] {
        let content = state.with {
            $0.reads += 1
            return $0.content[path]
        }
        return Array((content ?? "").utf8.prefix(limit))
    }
}

/// A value behind a POSIX lock: unchecked, because only `with` touches the value, and it holds the lock.
private final class Locked<Value>: @unchecked Sendable {
    private var value: Value
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    init(_ value: Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
    }
    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }
    func with<Result>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&value)
    }
}

@Suite struct BearerCredentialTests {
    private let files = TestFiles()
    private let now = Instant(nanoseconds: 5)
    private let wall = WallTime(milliseconds: 0)

    private func want(_ credential: inout Credential) -> [CredentialOutput] {
        credential.handle(.tokenWanted(requester: 1, notBefore: nil), at: now, wall: wall)
    }

    private func token(_ value: String, _ generation: UInt64) -> Token {
        Token(value: Secret(value), generation: generation, fetchedAt: now, expiry: nil)
    }

    private func detail(_ outputs: [CredentialOutput]) -> String? {
        if case .fail(_, let failure) = outputs.first { failure.detail } else { nil }
    }

    @Test func inlineIsDeliveredAsItIs() {
        var credential = Credential.bearer(BearerCredential(.inline(Secret("t"))))
        #expect(
            want(&credential) == [
                .event(.refreshed(expiry: nil), requester: 1), .deliver(token("t", 1), to: [1]),
            ])
        #expect(want(&credential) == [.deliver(token("t", 1), to: [1])])
        #expect(credential.nextDeadline == nil)
    }

    @Test func environmentSaysWhatIsMissing() {
        var credential = Credential.bearer(BearerCredential(.environment("TOKEN"), environment: { _ in nil }))
        #expect(detail(want(&credential)) == "environment variable TOKEN is not set; set it to the token")
        credential = .bearer(BearerCredential(.environment("TOKEN"), environment: { $0 == "TOKEN" ? "" : nil }))
        #expect(detail(want(&credential)) == "environment variable TOKEN: the token is empty")
        credential = .bearer(BearerCredential(.environment("TOKEN"), environment: { $0 == "TOKEN" ? "x" : nil }))
        #expect(want(&credential).last == .deliver(token("x", 1), to: [1]))
    }

    @Test func aFileIsReadAgainWhenItChanges() {
        files.write("first\n", to: "/run/token")
        var credential = Credential.bearer(BearerCredential(.file("/run/token"), files: files))
        #expect(want(&credential).last == .deliver(token("first", 1), to: [1]))
        #expect(want(&credential) == [.deliver(token("first", 1), to: [1])])
        #expect(files.state.with { $0.reads } == 1)
        files.write("second\r\n", to: "/run/token")
        #expect(
            want(&credential) == [
                .event(.refreshed(expiry: nil), requester: 1), .deliver(token("second", 2), to: [1]),
            ])
        files.write("second", to: "/run/token")
        #expect(want(&credential) == [.deliver(token("second", 2), to: [1])])
    }

    @Test func aFileThatIsMissingOrEmptyIsAFailureWithWords() {
        var credential = Credential.bearer(BearerCredential(.file("/run/token"), files: files))
        #expect(
            detail(want(&credential))
                == "token file /run/token: No such file or directory; write the token into it")
        files.write("\n", to: "/run/token")
        #expect(detail(want(&credential)) == "token file /run/token: the token is empty")
        files.write("two words", to: "/run/token")
        #expect(detail(want(&credential)) == "token file /run/token: the token has characters that no token may have")
        files.write("good", to: "/run/token")
        #expect(want(&credential).last == .deliver(token("good", 1), to: [1]))
        files.write(nil, to: "/run/token")
        #expect(detail(want(&credential)) != nil)
    }

    @Test func aRefusalReadsTheFileAgain() {
        files.write("t", to: "/run/token")
        var credential = Credential.bearer(BearerCredential(.file("/run/token"), files: files))
        _ = want(&credential)
        let refusal = CredentialInput.tokenRefused(requester: 1, generation: 1, status: 401, detail: "")
        let first = credential.handle(refusal, at: now, wall: wall)
        #expect(first.last == .refusalJudged(requester: 1, .retryWithNewToken))
        _ = want(&credential)
        #expect(files.state.with { $0.reads } == 2)
        let second = credential.handle(refusal, at: now, wall: wall)
        #expect(second.last == .refusalJudged(requester: 1, .retryAtCap))
    }

    @Test func aRealFileOnARealDisk() throws {
        let path = "/tmp/token-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        defer { unlink(path) }
        let files = SystemTokenFiles()
        #expect(throws: TokenFileError(description: "\(path): No such file or directory")) {
            _ = try files.stamp(of: path)
        }
        let file = try #require(fopen(path, "w"))
        fputs("secret\n", file)
        fclose(file)
        #expect(try files.stamp(of: path).size == 7)
        #expect(try files.read(path, limit: 100) == Array("secret\n".utf8))
        #expect(try files.read(path, limit: 3) == Array("sec".utf8))
    }

    @Test func noCredentialIsAnEmptyToken() {
        var credential = Credential.none
        #expect(want(&credential) == [.deliver(token("", 0), to: [1])])
    }
}
