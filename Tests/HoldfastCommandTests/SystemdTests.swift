import Foundation
import Testing

@testable import HoldfastCommand

@Suite("Under a service manager")
struct SystemdTests {
    private static let configuration = SampleFolder("Configurations/good").path + "/no-streams.yml"
    private static let flags = ["--config.file", configuration, "--web.listen-address", "127.0.0.1:0"]

    @Test("it tells when it is ready, when it reloads, that it lives, and when it stops", arguments: [false, true])
    func life(abstract: Bool) throws {
        let manager = try NotificationSocket(abstract: abstract)
        let running = try Program.Running(
            Self.flags, environment: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "200000"])
        let (ready, before) = try manager.next(with: "READY")
        #expect(before.isEmpty)
        #expect(ready == ["READY": "1", "STATUS": "0 of 0 streams are live"])
        for _ in 0..<3 { #expect(try manager.next() == ["WATCHDOG": "1"]) }

        kill(running.process.processIdentifier, SIGHUP)
        let (reloading, _) = try manager.next(with: "RELOADING")
        let asked = try #require(reloading["MONOTONIC_USEC"].flatMap(UInt64.init))
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        // Of this boot's clock, and not in the future.
        #expect(asked > 0 && asked <= UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1000)
        #expect(try manager.next(with: "READY").before.allSatisfy { $0 == ["WATCHDOG": "1"] })

        kill(running.process.processIdentifier, SIGTERM)
        #expect(try manager.next(with: "STOPPING").message["STOPPING"] == "1")
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 0)
    }

    @Test("it is ready again after a reload that was refused")
    func refusedReload() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("streams: []\n", "holdfast.yml")
        let manager = try NotificationSocket()
        let running = try Program.Running(
            ["--config.file", file, "--web.listen-address", "127.0.0.1:0"],
            environment: ["NOTIFY_SOCKET": manager.name])
        _ = try manager.next(with: "READY")
        _ = try folder.write("strems: []\n", "holdfast.yml")
        kill(running.process.processIdentifier, SIGHUP)
        _ = try manager.next(with: "RELOADING")
        #expect(try manager.next(with: "READY").message["READY"] == "1")
        #expect(running.errors.contains("configuration not reloaded"))
        #expect(running.stop() == 0)
    }

    @Test("with users and TLS at the endpoint, it still proves that it lives, and logs no complaint")
    func secured() throws {
        let folder = try TemporaryFolder()
        let certificate = Process()
        certificate.executableURL = URL(filePath: "/usr/bin/env")
        certificate.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
            "-subj", "/CN=localhost", "-keyout", folder.path + "/key.pem", "-out", folder.path + "/cert.pem",
        ]
        certificate.standardError = FileHandle.nullDevice
        try certificate.run()
        certificate.waitUntilExit()
        let users = "basic_auth_users: {a: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}\n"
        let tls = "tls_server_config: {cert_file: \(folder.path)/cert.pem, key_file: \(folder.path)/key.pem}\n"
        for web in [users, tls, users + tls] {
            let file = try folder.write(web, "web.yml")
            let manager = try NotificationSocket()
            let running = try Program.Running(
                Self.flags + ["--web.config.file", file],
                environment: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "100000"])
            _ = try manager.next(with: "READY")
            for _ in 0..<3 { _ = try manager.next(with: "WATCHDOG") }
            #expect(running.stop() == 0)
            #expect(!running.errors.contains("level=warn"), "\(running.errors)")
        }
    }

    @Test("a manager that is not there, or not ours, is none")
    func nobody() throws {
        #expect(ServiceManager(environment: [:]) == nil)
        #expect(ServiceManager(environment: ["NOTIFY_SOCKET": ""]) == nil)
        #expect(ServiceManager(environment: ["NOTIFY_SOCKET": "@"]) == nil)
        #expect(ServiceManager(environment: ["NOTIFY_SOCKET": "vsock:2:1"]) == nil)
        #expect(ServiceManager(environment: ["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 200)]) == nil)
        let gone = try #require(ServiceManager(environment: ["NOTIFY_SOCKET": "/does/not/exist"]))
        #expect(!gone.notify("READY=1"))
        let other = ServiceManager(
            environment: ["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"])
        #expect(other?.watchdogMicroseconds == nil)
        let mine = ServiceManager(
            environment: ["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "5", "WATCHDOG_PID": "\(getpid())"])
        #expect(mine?.watchdogMicroseconds == 5)
    }
}

@Suite("Sockets that are handed over")
struct InheritedSocketTests {
    /// A listening socket on 127.0.0.1, and a program that is started with it as descriptor 3.
    private final class Activation {
        let listener: Int32
        let port: UInt16
        let process: pid_t
        private let folder: TemporaryFolder

        init(kind: Int32 = Int32(SOCK_STREAM.rawValue), listening: Bool = true, count: String = "1") throws {
            folder = try TemporaryFolder()
            let descriptor = socket(AF_INET, kind | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = withUnsafeMutablePointer(to: &address) { pointer in
                // `bind` and `getsockname` take the general form of an address: the same bytes under another type.
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, size) + (listening ? listen(descriptor, 16) : 0)
                        + getsockname(descriptor, $0, &size)
                }
            }
            try #require(result == 0)
            listener = descriptor
            port = UInt16(bigEndian: address.sin_port)
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            for (number, name) in [(Int32(1), "out"), (2, "err")] {
                posix_spawn_file_actions_addopen(
                    &actions, number, try folder.write("", name), O_WRONLY | O_APPEND, 0o600)
            }
            posix_spawn_file_actions_adddup2(&actions, descriptor, 3)
            let configuration = SampleFolder("Configurations/good").path + "/no-streams.yml"
            // The shell knows the process's number before the program has it.
            let script = "LISTEN_PID=$$ LISTEN_FDS=\(count) LISTEN_FDNAMES=http exec \"$0\" \"$@\""
            let arguments = [
                "sh", "-c", script, Program.path, "--config.file", configuration, "--web.systemd-socket",
            ]
            var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
            defer { for pointer in pointers { free(pointer) } }
            var environment: [UnsafeMutablePointer<CChar>?] = [nil]
            var child: pid_t = 0
            try #require(posix_spawn(&child, "/bin/sh", &actions, nil, &pointers, &environment) == 0)
            process = child
        }

        deinit {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
            close(listener)
        }

        var errors: String { (try? String(contentsOfFile: folder.path + "/err", encoding: .utf8)) ?? "" }

        func end(_ signal: Int32? = nil) -> Int32 {
            if let signal { kill(process, signal) }
            var status: Int32 = 0
            waitpid(process, &status, 0)
            return (status >> 8) & 0xFF
        }
    }

    @Test("the endpoint serves on it, and leaves it open at its end")
    func served() throws {
        let activation = try Activation()
        // The port listens already: the request waits until the program takes it.
        let answer = try RawConnection.get("/-/healthy", port: activation.port)
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("Healthy\n"))
        #expect(activation.end(SIGTERM) == 0)
        // Still a listening socket: the next start finds the connections that came meanwhile.
        var isListening: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        #expect(getsockopt(activation.listener, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0)
        #expect(isListening == 1)
        close(try RawConnection.open(port: activation.port))
    }

    @Test("what is no listening TCP socket is refused with a sentence")
    func refused() throws {
        let datagrams = try Activation(kind: Int32(SOCK_DGRAM.rawValue), listening: false)
        #expect(datagrams.end() == 1)
        #expect(datagrams.errors.contains("does not listen"))
        let missing = try Activation(count: "2")
        #expect(missing.end() == 1)
        #expect(missing.errors.contains("descriptor 4"))
    }

    @Test("variables of another process are none; a flag insists on sockets")
    func others() throws {
        let flags = ["--config.file", SampleFolder("Configurations/good").path + "/no-streams.yml"]
        #expect(try InheritedSockets.take(environment: ["LISTEN_PID": "1", "LISTEN_FDS": "1"]).isEmpty)
        #expect(try InheritedSockets.take(environment: ["LISTEN_FDS": "1"]).isEmpty)
        let mine = String(getpid())
        for count in ["0", "-1", "x", "1000000"] {
            #expect(try InheritedSockets.take(environment: ["LISTEN_PID": mine, "LISTEN_FDS": count]).isEmpty)
        }
        let running = try Program.Running(flags + ["--web.systemd-socket"])
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 1)
        #expect(running.errors.contains("no socket was handed over"))
    }
}

private enum RawConnection {
    static func open(port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            // As above.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0, "\(String(cString: strerror(errno)))")
        return descriptor
    }

    static func get(_ path: String, port: UInt16) throws -> String {
        let descriptor = try open(port: port)
        defer { close(descriptor) }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        try #require(send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count)
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
            answer += buffer[..<count]
        }
    }
}
