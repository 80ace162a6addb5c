/// Checks of single numbers, worded alike.
enum Setting {
    static func check(_ name: String, _ value: Int, isIn range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw UnlearningError.invalidSetting(
                name: name, value: "\(value)",
                remedy: "use a number from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    static func check(_ name: String, _ value: Double, isAbove bound: Double) throws {
        guard value > bound, value.isFinite else {
            throw UnlearningError.invalidSetting(
                name: name, value: "\(value)", remedy: "use a finite number above \(bound.formattedShortly)")
        }
    }

    static func check(_ name: String, _ value: Double, isAtLeast bound: Double) throws {
        guard value >= bound, value.isFinite else {
            throw UnlearningError.invalidSetting(
                name: name, value: "\(value)", remedy: "use a finite number of at least \(bound.formattedShortly)")
        }
    }

    /// Checks a part of a whole.
    static func check(share name: String, _ value: Double) throws {
        guard value >= 0, value <= 1 else {
            throw UnlearningError.invalidSetting(name: name, value: "\(value)", remedy: "use a number from 0 to 1")
        }
    }
}

extension KeyedDecodingContainer {
    /// A value, or a default where an older version wrote no such key.
    package func decode<Value: Decodable>(_ key: Key, or value: @autoclosure () -> Value) throws -> Value {
        try decodeIfPresent(Value.self, forKey: key) ?? value()
    }
}
