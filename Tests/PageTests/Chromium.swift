import Dispatch
import Foundation
import Glibc
import NIOConcurrencyHelpers

/// A headless Chromium, driven by the DevTools protocol over a pair of pipes: no port, no library.
///
/// `@unchecked Sendable`: what changes lies in a locked box; the descriptors are only written under its lock, or read by
/// one thread.
final class Chromium: @unchecked Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// One event of the protocol, as its JSON.
    struct Event: Sendable {
        let method: String
        let session: String?
        let json: Data
    }

    private struct State {
        var nextIdentifier = 1
        var waiting: [Int: CheckedContinuation<Data, any Error>] = [:]
        var listeners: [String: @Sendable (Event) -> Void] = [:]
        var isClosed = false
    }

    private let state = NIOLockedValueBox(State())
    private let process: pid_t
    private let commands: Int32
    private let directory: URL

    private static let candidates = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]

    /// Where Chromium is; `HOLDFAST_CHROMIUM` names another.
    private static func executable() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        if let path = environment["HOLDFAST_CHROMIUM"] {
            guard access(path, X_OK) == 0 else {
                throw Failure(description: "There is no program at \(path), which HOLDFAST_CHROMIUM names.")
            }
            return path
        }
        for folder in (environment["PATH"] ?? "/usr/bin").split(separator: ":") {
            for name in candidates where access("\(folder)/\(name)", X_OK) == 0 { return "\(folder)/\(name)" }
        }
        throw Failure(
            description:
                "There is no Chromium to look at the page with: install it (Debian: apt-get install chromium), "
                + "or name it in HOLDFAST_CHROMIUM.")
    }

    /// Starts a browser with a profile of its own, which reaches nothing but 127.0.0.1.
    init() throws {
        let path = try Self.executable()
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("page-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let arguments = [
            path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--remote-debugging-pipe", "--user-data-dir=\(directory.path)", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
            "--disable-extensions", "--no-proxy-server", "--metrics-recording-only", "--mute-audio", "--lang=en-GB",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "about:blank",
        ]
        var toBrowser: [Int32] = [0, 0]
        var fromBrowser: [Int32] = [0, 0]
        guard pipe(&toBrowser) == 0, pipe(&fromBrowser) == 0 else {
            throw Failure(description: "no pipe: \(String(cString: strerror(errno)))")
        }
        for descriptor in [toBrowser[1], fromBrowser[0]] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        // High numbers first: the browser wants 3 and 4, which may be in use here.
        let input = fcntl(toBrowser[0], F_DUPFD_CLOEXEC, 100)
        let output = fcntl(fromBrowser[1], F_DUPFD_CLOEXEC, 100)
        close(toBrowser[0])
        close(fromBrowser[1])
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, input, 3)
        posix_spawn_file_actions_adddup2(&actions, output, 4)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        // A group of its own, so that all its processes can be ended, and no others.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        var process: pid_t = 0
        let strings = arguments.map { strdup($0) } + [nil]
        let result = posix_spawn(&process, path, &actions, &attributes, strings, environ)
        for string in strings { free(string) }
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
        close(input)
        close(output)
        // Before anything is kept: an object that has no process must not come to an end that kills one.
        guard result == 0, process > 1 else {
            throw Failure(description: "\(path) cannot be started: \(String(cString: strerror(result)))")
        }
        self.process = process
        commands = toBrowser[1]
        let answers = fromBrowser[0]
        signal(SIGPIPE, SIG_IGN)
        Thread { [weak self] in
            Self.readMessages(from: answers) { self?.take($0) }
            self?.failAll("Chromium has ended.")
        }.start()
    }

    /// Ends the browser and takes its profile away.
    func shutDown() {
        let isFirst = state.withLockedValue { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        precondition(process > 1, "a group of processes of our own is to be ended, and nothing else")
        close(commands)
        kill(-process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        // Its helpers may be about to write their last files.
        for _ in 0..<10 where FileManager.default.fileExists(atPath: directory.path) {
            try? FileManager.default.removeItem(at: directory)
        }
    }

    deinit { shutDown() }

    /// Messages end with a zero byte.
    private static func readMessages(from descriptor: Int32, _ body: (Data) -> Void) {
        var buffer = Data()
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            var rest = chunk[..<count]
            while let end = rest.firstIndex(of: 0) {
                buffer.append(contentsOf: rest[..<end])
                body(buffer)
                buffer = Data()
                rest = rest[(end + 1)...]
            }
            buffer.append(contentsOf: rest)
        }
        close(descriptor)
    }

    private func take(_ message: Data) {
        guard let object = try? JSONSerialization.jsonObject(with: message) as? [String: Any] else { return }
        if let identifier = object["id"] as? Int {
            let waiting = state.withLockedValue { $0.waiting.removeValue(forKey: identifier) }
            if let error = object["error"] as? [String: Any] {
                waiting?.resume(throwing: Failure(description: "Chromium: \(error["message"] ?? error)"))
            } else {
                waiting?.resume(returning: message)
            }
        } else if let method = object["method"] as? String {
            let session = object["sessionId"] as? String
            let listener = state.withLockedValue { session.flatMap { [listeners = $0.listeners] in listeners[$0] } }
            listener?(Event(method: method, session: session, json: message))
        }
    }

    private func failAll(_ reason: String) {
        let waiting = state.withLockedValue { state in
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(throwing: Failure(description: reason)) }
    }

    /// Calls a method, and gives the whole answer. Fails after 30 seconds.
    func call(_ method: String, _ parameters: [String: Any] = [:], session: String? = nil) async throws -> Data {
        let identifier = state.withLockedValue { state in
            defer { state.nextIdentifier += 1 }
            return state.nextIdentifier
        }
        var message: [String: Any] = ["id": identifier, "method": method, "params": parameters]
        if let session { message["sessionId"] = session }
        let bytes = try JSONSerialization.data(withJSONObject: message) + [0]
        return try await withCheckedThrowingContinuation { continuation in
            state.withLockedValue { state in
                state.waiting[identifier] = continuation
                bytes.withUnsafeBytes { bytes in
                    var sent = 0
                    while sent < bytes.count {
                        let count = write(commands, bytes.baseAddress.map { $0 + sent }, bytes.count - sent)
                        guard count > 0 else { break }
                        sent += count
                    }
                }
            }
            DispatchQueue.global().asyncAfter(deadline: .now() + 30) { [weak self] in
                let late = self?.state.withLockedValue { $0.waiting.removeValue(forKey: identifier) }
                late?.resume(throwing: Failure(description: "Chromium has not answered \(method) in 30 s."))
            }
        }
    }

    /// Who hears what happens in a session.
    func listen(to session: String, _ body: @escaping @Sendable (Event) -> Void) {
        state.withLockedValue { $0.listeners[session] = body }
    }
}
