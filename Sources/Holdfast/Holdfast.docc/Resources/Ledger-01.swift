import Foundation
import Holdfast

/// What this application does with its messages: it takes them to account, and says what it never got.
actor Ledger {
    private var taken = 0
    private var missing: UInt64 = 0
    private var last: UInt64?

    func take(_ element: StreamElement) {
        switch element {
        case .message(let message):
            taken += 1
            last = message.sequence
        case .gap(let range):
            missing += range.count
            say("gap \(range.first)-\(range.last): ask the service for what happened meanwhile")
        case .reset(let baseline):
            say("the service numbers anew from \(baseline): what came between is unknown")
        case .interrupted(let reason):
            say("interrupted after \(last.map(String.init) ?? "nothing"): \(reason.rawValue)")
        case .restored(let outage):
            let length = outage.formatted(.units(allowed: [.seconds], width: .narrow, fractionalPart: .show(length: 1)))
            say("restored after \(length)")
        case .dropped(let count):
            say("too slow: \(count) elements were dropped here")
        }
    }

    func conclude() {
        say("\(taken) events, the last one \(last.map(String.init) ?? "none"); \(missing) missing")
    }

    private func say(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }
}
