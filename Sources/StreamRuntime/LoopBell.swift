import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Calls back on an event loop once that has looked at its sockets: a pipe, which is one of them.
///
/// There is no other way to be sure of it. A loop runs tasks as long as any is due, those that have become due meanwhile
/// included, and on a busy machine a delay that is short enough to be of use has passed before the loop is done with the
/// rest of its tasks.
///
/// Belongs to its loop, and closes with it.
final class LoopBell: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let writingEnd: CInt
    private let rung: () -> Void
    private let ended: () -> Void
    /// Whether it can be rung.
    private(set) var isReady = false

    /// A bell that can be rung a moment later; nil where the loop has no sockets, or the process no descriptor left.
    ///
    /// - Parameters:
    ///   - rung: called for one or more calls of ``ring()``.
    ///   - ended: called when the loop ends. ``rung`` is not called any more.
    init?(on loop: any EventLoop, rung: @escaping () -> Void, ended: @escaping () -> Void) {
        loop.assertInEventLoop()
        guard let bootstrap = NIOPipeBootstrap(validatingGroup: loop) else { return nil }
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        writingEnd = ends[1]
        self.rung = rung
        self.ended = ended
        let readingEnd = ends[0]
        bootstrap.takingOwnershipOfDescriptor(input: readingEnd).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                do {
                    try channel.pipeline.syncOperations.addHandler(self)
                    self.isReady = true
                } catch {
                    channel.close(promise: nil)
                }
            case .failure: close(readingEnd)
            }
        }
    }

    deinit {
        close(writingEnd)
    }

    /// Has the loop call back after its next look at its sockets.
    func ring() {
        var byte: UInt8 = 0
        // A pipe that is full has been rung already.
        _ = write(writingEnd, &byte, 1)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        rung()
    }

    func channelInactive(context: ChannelHandlerContext) {
        isReady = false
        ended()
        context.fireChannelInactive()
    }
}
