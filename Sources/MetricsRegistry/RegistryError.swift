/// Why a metric could not be registered. Nothing is registered where one of these is thrown.
public enum RegistryError: Error, Hashable, Sendable {
    /// A metric's name is not `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    case invalidMetricName(String)
    /// A label's name is not `[a-zA-Z_][a-zA-Z0-9_]*`.
    case invalidLabelName(String)
    /// A label's name means something to Prometheus itself: `le`, `quantile`, `__…`.
    case reservedLabel(String)
    /// A label is there twice, or is both a group's and a family's own.
    case duplicateLabel(String)
    /// A counter's name does not end in `_total`, which OpenMetrics demands.
    case counterWithoutTotal(String)
    /// A name does not end in its unit, which OpenMetrics demands.
    case nameWithoutUnit(name: String, unit: String)
    /// A histogram's bounds are none, not finite or not ascending.
    case invalidBounds(String)
    /// A closed set of label values is empty or has a value twice.
    case invalidDimension(family: String, label: String)
    /// Another family has this name, or exposes samples of this name.
    case duplicateName(String)
    /// A group of the same layout has the same labels.
    case duplicateSeries(family: String, labels: [Label])
    /// The group's layout has not been registered here.
    case unknownLayout(family: String)
}

extension RegistryError: CustomStringConvertible {
    /// What happened, where, and what to do.
    public var description: String {
        switch self {
        case .invalidMetricName(let name):
            return "metric name \"\(name)\" is invalid: use letters, digits, _ and :, and no digit first"
        case .invalidLabelName(let name):
            return "label name \"\(name)\" is invalid: use letters, digits and _, and no digit first"
        case .reservedLabel(let name):
            return "label name \"\(name)\" is reserved: choose another"
        case .duplicateLabel(let name):
            return "label \"\(name)\" is there twice: remove or rename one"
        case .counterWithoutTotal(let name):
            return "counter \"\(name)\" must end in _total"
        case .nameWithoutUnit(let name, let unit):
            return "metric \"\(name)\" must end in its unit, _\(unit)"
        case .invalidBounds(let name):
            return "histogram \"\(name)\" needs at least one bound; bounds are finite and ascend"
        case .invalidDimension(let family, let label):
            return "label \"\(label)\" of \"\(family)\" needs at least one value, and none twice"
        case .duplicateName(let name):
            return "metric name \"\(name)\" is taken by another metric: choose another name"
        case .duplicateSeries(let family, let labels):
            let text = labels.map { "\($0.name)=\"\($0.value)\"" }.joined(separator: ",")
            return "series \(family){\(text)} exists already: change a label or remove the other first"
        case .unknownLayout(let family):
            return "the layout of \"\(family)\" is not registered: register it before its groups"
        }
    }
}
