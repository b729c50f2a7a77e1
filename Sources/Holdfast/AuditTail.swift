import ExpositionServer

/// What the endpoint calls a subscription to the audit trail; the trail has a type of the same name.
typealias AuditTail = AuditSubscription
