extension KeyedDecodingContainer {
    /// A value, or a default where an older version wrote no such key.
    package func decode<Value: Decodable>(_ key: Key, or value: @autoclosure () -> Value) throws -> Value {
        try decodeIfPresent(Value.self, forKey: key) ?? value()
    }
}
