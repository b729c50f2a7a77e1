import ArgumentParser
import Foundation
import GatewaySimulator
import UnixSignals

/// `holdfast gateway`: the simulated gateway alone, to rehearse an outage against a configuration of one's own.
struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Runs the simulated gateway alone: OAuth, all protocols, a fault script.",
        discussion: "Prints the addresses for a configuration, and then what it does. Faults can also be sent to it.")

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 picks one.")
    var port = 9400

    @Option(help: "A fault script (YAML); `demo` is the one of `holdfast demo`.", completion: .file())
    var script: String?

    @Option(help: "Print the fault script of the demo with `demo`, and end.")
    var printScript: String?

    @Option(name: .customLong("client"), help: "An OAuth client as ID:SECRET; may be repeated. Without: any is good.")
    var clients: [String] = []

    @Option(help: "Events a second for each session.")
    var rate = 5.0

    @Option(help: "How long a token is good, in seconds.")
    var tokenLifetime = 86_399

    @Option(help: "Events that a session can replay.")
    var replayBuffer = 1000

    mutating func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port must be 0 to 65535") }
        guard (0...10_000).contains(rate) else { throw ValidationError("--rate must be 0 to 10000") }
        guard tokenLifetime > 0 else { throw ValidationError("--token-lifetime must be more than 0") }
        guard (0...1_000_000).contains(replayBuffer) else {
            throw ValidationError("--replay-buffer must be 0 to 1000000")
        }
        for client in clients where client.split(separator: ":", maxSplits: 1).count != 2 {
            throw ValidationError("--client must be ID:SECRET")
        }
    }

    mutating func run() async throws {
        if let printScript {
            guard printScript == "demo" else { throw ValidationError("only the script `demo` can be printed") }
            FileHandle.standardOutput.write(Data(FaultScript.demoText.utf8))
            return
        }
        var options = GatewaySimulator.Options()
        options.host = host
        options.port = port
        options.eventRate = rate
        options.tokenLifetime = .seconds(tokenLifetime)
        options.replayBuffer = replayBuffer
        options.acceptsAnyClient = clients.isEmpty
        for client in clients {
            let parts = client.split(separator: ":", maxSplits: 1).map(String.init)
            options.clients[parts[0]] = parts[1]
        }
        if let script { options.script = try Self.read(script) }
        options.log = { Terminal.write("\(Self.clock()) \($0)") }
        let gateway: GatewaySimulator
        do {
            gateway = try await GatewaySimulator.start(options: options)
        } catch {
            StandardError.write("\(error)")
            throw ExitCode.failure
        }
        Terminal.write(Self.introduction(gateway))
        for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { break }
        await gateway.stop()
    }

    static func read(_ script: String) throws -> FaultScript {
        if script == "demo" { return .demo }
        do {
            return try FaultScript(path: script)
        } catch {
            StandardError.write("\(error)")
            throw ExitCode.wrongConfiguration
        }
    }

    private static func introduction(_ gateway: GatewaySimulator) -> String {
        """
        A simulated gateway listens on \(gateway.authority). In a configuration:

          credentials:
            simulated:
              type: oauth2_client_credentials
              token_url: \(gateway.tokenURL)
              client_id: any
              client_secret: any
          streams:
            - name: queue-events
              profile: genesys-architect
              url: \(gateway.architectURL)
              credential: simulated
              subscriptions: [queueEvents]

        genesys-notify:        \(gateway.notifyURL)
        genesys-notifications: \(gateway.notificationsURL)
        What really happened:  http://\(gateway.authority)/-/truth
        A fault now:           curl -d 'fault: drop' http://\(gateway.authority)/-/faults

        """
    }

    private static func clock() -> String {
        Date().formatted(Date.ISO8601FormatStyle().time(includingFractionalSeconds: false))
    }
}
