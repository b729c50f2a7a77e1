import Foundation
import StreamRuntime

/// Where a simulated process keeps its cursors; outlives it.
///
/// Unchecked: everything of a simulation happens on the thread that runs it.
final class VirtualCursorFile: CursorFile, @unchecked Sendable {
    weak var world: World?
    private var saved: Data?

    func content() throws(CursorStore.Failure) -> Data? { saved }

    func replace(with data: Data) throws(CursorStore.Failure) {
        var fails = false
        world?.faults.forEach(of: nil) { fault, _ in
            if case .cursorsNotSaved = fault.kind { fails = true }
        }
        if fails { throw CursorStore.Failure(description: "cursors not saved: the disk is full") }
        saved = data
    }

    func setAside() {
        world?.fail("cursor", "cursors that were saved could not be understood")
    }
}
