import Glibc

let arguments = CommandLine.arguments.dropFirst().map { $0 }
let second = arguments.dropFirst().first
let third = arguments.dropFirst(2).first
let fourth = arguments.dropFirst(3).first.flatMap { Int($0) }
switch (arguments.first, second, third) {
case ("encode", let streams?, _): EncodeBenchmark.run(streams: Int(streams) ?? 1000)
case ("serve", let streams?, let portFile?):
    ServeBenchmark.run(streams: Int(streams) ?? 1000, portFile: portFile, sender: fourth)
case ("receive", let port?, let kind): ReceiveBenchmark.run(port: Int(port) ?? 0, kind: kind ?? "numbered")
case ("audit", let synchronization?, let path?):
    AuditBenchmark.run(
        synchronization, path: path, writers: max(1, fourth ?? 1),
        each: arguments.dropFirst(4).first.flatMap { Int($0) })
case ("match", let shape?, _): MatcherBenchmark.run(shape: shape)
default:
    complain(
        """
        usage: benchmarks encode STREAMS
               benchmarks serve STREAMS PORT-FILE [SENDER-PORT]      until its standard input ends
               benchmarks receive PORT numbered|notification|topics
               benchmarks match early|late|long|keys|spaced|acknowledgment
               benchmarks audit always|interval FILE [WRITERS [EVENTS]]
        """)
    exit(2)
}
