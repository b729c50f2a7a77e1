import Glibc

let arguments = CommandLine.arguments.dropFirst().map { $0 }
switch (arguments.first, arguments.dropFirst().first, arguments.dropFirst(2).first) {
case ("encode", let streams?, _): EncodeBenchmark.run(streams: Int(streams) ?? 1000)
case ("serve", let streams?, let portFile?): ServeBenchmark.run(streams: Int(streams) ?? 1000, portFile: portFile)
case ("receive", let port?, let kind): ReceiveBenchmark.run(port: Int(port) ?? 0, kind: kind ?? "numbered")
case ("audit", let synchronization?, let path?): AuditBenchmark.run(synchronization, path: path)
case ("match", let shape?, _): MatcherBenchmark.run(shape: shape)
default:
    complain(
        """
        usage: benchmarks encode STREAMS
               benchmarks serve STREAMS PORT-FILE      until GET /-/end
               benchmarks receive PORT numbered|notification
               benchmarks match early|late|long|keys|spaced|acknowledgment
               benchmarks audit always|interval FILE
        """)
    exit(2)
}
