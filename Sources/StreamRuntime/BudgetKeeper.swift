import NIOConcurrencyHelpers
import NIOCore
import StreamModel
import StreamSupervisor

/// Runs one ``ConnectBudget`` for the streams of all event loops that share a host and a credential.
///
/// A lock rather than a loop of its own: a request is a few instructions, and a grant hops to the stream's loop anyway.
final class BudgetKeeper: Sendable {
    private struct State {
        var budget: ConnectBudget
        var waiters: [UInt64: Waiter] = [:]
        var nextTicket: UInt64 = 0
        var timer: (at: Instant, task: Scheduled<Void>)?
    }

    private struct Waiter {
        let work: LoopWork
        let granted: @Sendable (Duration) -> Void
    }

    private let state: NIOLockedValueBox<State>
    private let loop: any EventLoop

    init(_ limits: ConnectBudget.Limits, loop: any EventLoop) {
        self.loop = loop
        state = NIOLockedValueBox(State(budget: ConnectBudget(limits, at: loop.instant)))
    }

    /// Asks for leave; `granted` is called on the loop of `waiter` with how long it took. The ticket is to be given back.
    func request(on waiter: LoopWork, granted: @escaping @Sendable (Duration) -> Void) -> UInt64 {
        let ticket = state.withLockedValue { state in
            state.nextTicket += 1
            state.waiters[state.nextTicket] = Waiter(work: waiter, granted: granted)
            state.budget.request(state.nextTicket, at: loop.instant)
            return state.nextTicket
        }
        pump()
        return ticket
    }

    /// The attempt is over, or asks no more.
    func release(_ ticket: UInt64) {
        state.withLockedValue { state in
            state.waiters[ticket] = nil
            state.budget.release(ticket)
        }
        pump()
    }

    private func pump() {
        let now = loop.instant
        let granted = state.withLockedValue { state in
            let granted = state.budget.grant(at: now).compactMap { grant in
                state.waiters.removeValue(forKey: grant.id).map { ($0, grant.waited) }
            }
            schedule(&state)
            return granted
        }
        for (waiter, waited) in granted {
            // A burst of connections that open is work for many streams.
            waiter.work.add { waiter.granted(waited) }
        }
    }

    private func schedule(_ state: inout State) {
        guard let next = state.budget.nextGrant else { return }
        if let timer = state.timer, timer.at <= next { return }
        state.timer?.task.cancel()
        let task = loop.schedule(at: next) { [weak self] in
            self?.state.withLockedValue { $0.timer = nil }
            self?.pump()
        }
        state.timer = (next, task)
    }
}
