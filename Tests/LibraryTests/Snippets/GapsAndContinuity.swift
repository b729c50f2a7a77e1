import Holdfast

enum GapsAndContinuity {
    static func askForWhatWasMissed(_ first: UInt64, _ last: UInt64) async throws {}
    static func askForEverything() async throws {}
    static func apply(_ payload: [UInt8]) async throws {}

    static func keepACopyRight(_ messages: StreamMessages) async throws {
        for await element in messages {
            switch element {
            case .message(let message): try await apply(message.payload)
            case .gap(let range): try await askForWhatWasMissed(range.first, range.last)
            case .reset, .dropped: try await askForEverything()
            case .interrupted, .restored: break
            }
        }
    }

    static func unnumbered(_ messages: StreamMessages) async throws {
        for await element in messages {
            switch element {
            case .message(let message): try await apply(message.payload)
            case .restored, .dropped: try await askForEverything()
            case .gap, .reset, .interrupted: break
            }
        }
    }
}
