import Foundation
import Testing

extension EndToEnd {
    /// Twenty different mistakes; each line that has one says which with `# !`, and a word of the way out.
    static func mistaken(_ gateway: MockGateway) -> String {
        """
        credentials:
          one:
            type: oauth2_client_credential      # ! oauth2_client_credentials
            client_id: a
          two:
            type: oauth2_client_credentials
            token_url: "not an address"         # ! address
            client_id: b
            client_secret_env: NO_SUCH_VARIABLE_HERE   # ! set it
            scoep: architect:read               # ! scope
          three:
            type: bearer
            token_file: /no/such/file           # ! read
        defaults:
          connect_timeout: 10 parsecs           # ! 30s
          backoff:
            multiplier: 0.5                     # ! 1
            jitter: {kind: addtive}             # ! additive
        streams:
          - name: good
            profile: genesys-architect
            url: \(gateway.url("good"))
            subscriptions: [queueEvents]
          - name: good                          # ! name
            profile: genesys-architect
            url: \(gateway.url("good"))
            subscriptions: [queueEvents]
          - name: b
            profile: genesys-architekt          # ! genesys-architect
            url: \(gateway.url("b"))
          - name: c
            profile: genesys-architect
            url: http://127.0.0.1:1/            # ! ws
            subscriptions: [queueEvents]
          - name: d
            profile: genesys-architect
            url: \(gateway.url("d"))
            credential: nobody                  # ! two
            subscriptions: queueEvents          # ! list
          - name: e
            profile: genesys-architect
            url: \(gateway.url("e"))
            subscriptions: [queueEvents]
            max_message_size: huge              # ! 1MiB
            ack_timeuot: 5s                     # ! ack_timeout
            labels: {"9bad": x}                 # ! letter
            on_exhausted: explode               # ! park
        connect_budget: {rate: -1}              # ! 0
        audit:
          stdout: maybe                         # ! true
          file: {path: /tmp/x, keep: many}      # ! number
        state: {directory: "${NO_SUCH_VARIABLE_THERE}"}   # ! NO_SUCH_VARIABLE_THERE
        """
    }

    @Test func everyMistakeIsReportedInOneRunAndNothingIsStarted() async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let text = Self.mistaken(gateway)
            let file = try folder.write(text, to: "bad.yml")
            let check = try Program(Program.holdfast, ["check", file], in: folder, name: "check")
            #expect(try check.status() == 78)
            let run = try Program(
                Program.holdfast, ["run", "--config.file", file, "--web.listen-address", "127.0.0.1:0"], in: folder,
                name: "run")
            #expect(try run.status() == 78)
            var count = 0
            for (index, line) in text.components(separatedBy: "\n").enumerated() {
                guard let mark = line.range(of: "# ! ") else { continue }
                count += 1
                let wayOut = line[mark.upperBound...]
                for (place, said) in [("check", check.output), ("run", run.errors)] {
                    let own = said.split(separator: "\n").filter {
                        $0.range(of: "^\(file):\(index + 1):[1-9][0-9]*: ", options: .regularExpression) != nil
                    }
                    #expect(!own.isEmpty, "\(place) says nothing of line \(index + 1): \(line)")
                    #expect(
                        own.contains { $0.localizedCaseInsensitiveContains(wayOut) },
                        "\(place) shows no way out of line \(index + 1): \(own)")
                }
            }
            #expect(count >= 20)
            #expect(gateway.handshakeCount == 0 && gateway.tokenRequests.isEmpty, "nothing is started")
            #expect(!run.errors.contains("listening"))

            let good = try folder.write(Self.configuration(gateway, folder, streams: [("s", "")]), to: "good.yml")
            let fine = try Program(Program.holdfast, ["check", good], in: folder, name: "fine")
            #expect(try fine.status() == 0, "\(fine.output)\(fine.errors)")
            let both = try Program(Program.holdfast, ["check", good, file], in: folder, name: "both")
            #expect(try both.status() == 78, "one wrong file among several")
        }
    }

    @Test(arguments: [
        ["run", "--no-such-flag"], ["run", "--log.level", "loud"], ["run", "--web.listen-address", "nonsense"],
        ["run", "--shard", "3/2"], ["run", "--web.max-requests", "-1"], ["frobnicate"], ["replay"], ["check"],
        ["run", "--log.format", "xml"], ["run", "--config.file"],
    ])
    func wrongFlagsEndWith64(arguments: [String]) async throws {
        try await story {
            let program = try Program(Program.holdfast, arguments, in: try Folder())
            #expect(try program.status() == 64, "\(arguments)")
            #expect(!program.errors.isEmpty)
        }
    }

    @Test func anAbsentConfigurationFileEndsWith78() async throws {
        try await story {
            let folder = try Folder()
            let program = try Program(Program.holdfast, ["--config.file", folder.file("none.yml")], in: folder)
            #expect(try program.status() == 78, "a bare holdfast runs")
            #expect(program.errors.contains("none.yml"))
        }
    }

    @Test func aPortInUseEndsWith1AndASentence() async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let file = try folder.write(Self.configuration(gateway, folder, streams: [("s", "")]), to: "holdfast.yml")
            let program = try Program(
                Program.holdfast, ["run", "--config.file", file, "--web.listen-address", "127.0.0.1:\(gateway.port)"],
                in: folder)
            #expect(try program.status() == 1)
            #expect(program.errors.contains("127.0.0.1:\(gateway.port)"))
            #expect(program.errors.localizedCaseInsensitiveContains("in use"), "\(program.errors)")
            #expect(gateway.handshakeCount == 0, "nothing is started")
        }
    }

    @Test func theVersionIsShown() async throws {
        try await story {
            let program = try Program(Program.holdfast, ["--version"], in: try Folder())
            #expect(try program.status() == 0)
            #expect(program.output.hasPrefix("holdfast "))
        }
    }
}
