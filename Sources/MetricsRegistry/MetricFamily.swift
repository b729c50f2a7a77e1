/// What one metric is: its name, type, help, unit and own label.
public struct MetricFamily: Hashable, Sendable {
    /// The type that is exposed.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Never decreases.
        case counter
        /// Goes up and down.
        case gauge
        /// Observations counted by size.
        case histogram
    }

    /// How the values are kept, and so what is written.
    public enum Number: Hashable, Sendable {
        /// A whole number, exact to 64 bits.
        case integer
        /// Whole nanoseconds, exposed as seconds.
        case nanoseconds
        /// A floating-point number.
        case double
        /// Seconds that run while switched on; see ``RunningClock``.
        case clock
        /// The number of the current one among the dimension's values, which is exposed as 1, the others as 0.
        case state
    }

    /// A label of the family's own with a closed set of values: there is one series for each.
    public struct Dimension: Hashable, Sendable {
        /// The label's name.
        public let label: String
        /// Its values, in the order in which they are exposed.
        public let values: [String]

        /// The label `label` with the values `values`.
        public init(_ label: String, _ values: [String]) {
            self.label = label
            self.values = values
        }

        /// The label `label` with the raw values of every case of `type`, in their order.
        public init<Value: CaseIterable & RawRepresentable<String>>(_ label: String, _ type: Value.Type) {
            self.init(label, type.allCases.map(\.rawValue))
        }
    }

    /// The name of the samples; that of a counter ends in `_total`.
    public let name: String
    /// What it means, for people; one sentence.
    public let help: String
    /// The type that is exposed.
    public let kind: Kind
    /// How its values are kept.
    public let number: Number
    /// The unit that OpenMetrics is told; the name ends in it (`_total` aside).
    public let unit: String?
    /// Its own label; nil where it has one series a group.
    public let dimension: Dimension?
    /// A histogram's upper bounds, in the unit exposed, ascending, without +Inf; empty for other kinds.
    public let bounds: [Double]

    /// The name of the family as OpenMetrics understands it: without `_total`.
    public var openMetricsName: String {
        kind == .counter ? String(name.dropLast("_total".count)) : name
    }

    /// The names that no other family may have: those of its samples, and its own in either format.
    var takenNames: [String] {
        switch kind {
        case .counter: [name, openMetricsName]
        case .gauge: [name]
        case .histogram: [name, name + "_bucket", name + "_sum", name + "_count"]
        }
    }

    /// How many values each group keeps of it: one a series, but a state is one value for all of its series.
    var variants: Int {
        number == .state ? 1 : dimension?.values.count ?? 1
    }

    /// How many cells one series takes.
    var stride: Int {
        switch (kind, number) {
        case (.histogram, _): bounds.count + 2
        case (_, .clock): 2
        default: 1
        }
    }

    /// Throws where the family breaks a rule of either format.
    func validate() throws(RegistryError) {
        guard Names.isMetricName(name) else { throw .invalidMetricName(name) }
        if kind == .counter {
            guard name.hasSuffix("_total"), name.count > "_total".count else { throw .counterWithoutTotal(name) }
        }
        if let unit {
            guard openMetricsName.hasSuffix("_" + unit) else { throw .nameWithoutUnit(name: name, unit: unit) }
        }
        if kind == .histogram {
            let ascend = zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }
            guard !bounds.isEmpty, ascend, bounds.allSatisfy(\.isFinite) else { throw .invalidBounds(name) }
        }
        if number == .state, dimension == nil { throw .invalidDimension(family: name, label: "") }
        if let dimension {
            guard Names.isLabelName(dimension.label) else { throw .invalidLabelName(dimension.label) }
            guard !Names.isReservedLabel(dimension.label) else { throw .reservedLabel(dimension.label) }
            guard !dimension.values.isEmpty, Set(dimension.values).count == dimension.values.count else {
                throw .invalidDimension(family: name, label: dimension.label)
            }
        }
    }
}
