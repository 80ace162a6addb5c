package import ArgumentParser
import NeuralGraph
import Unlearning

/// An option's name, and whether it was given.
package typealias GivenOption = (option: String, isGiven: Bool)

/// Refuses the first option that was given without having anything to work on.
/// - Parameters:
///   - options: the options in question.
///   - isUsed: whether the other options give them something to work on.
///   - reason: continues a sentence that begins with the option.
package func refuse(_ options: [GivenOption], unless isUsed: Bool = false, _ reason: String) throws {
    guard !isUsed, let found = options.first(where: \.isGiven) else { return }
    throw ValidationError("\(found.option) \(reason)")
}

/// Numbers of options. One outside its range, or text that is no number, is wrong usage; the message has the range.
package enum NumberParsing {
    /// Reads an integer.
    package static func integer<Number: FixedWidthInteger & Sendable>(
        _ range: ClosedRange<Number>
    ) -> @Sendable (String) throws -> Number {
        { text in
            guard let number = Number(text), range.contains(number) else {
                throw ValidationError("use an integer from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
    }

    /// Reads a number above 0.
    static func positive(_ text: String) throws -> Double {
        guard let number = Double(text), number > 0, number.isFinite else {
            throw ValidationError("use a number above 0, such as 0.001")
        }
        return number
    }
}

extension ClosedRange<Int> {
    /// Passes over a data set.
    static let epochs = 1...1_000_000
    /// Images in one step.
    static let batchSizes = 1...1_000_000
    /// Images of one class.
    package static let samples = 1...1_000_000_000
    /// Height or width in pixels.
    static let lengths = 1...65_536
    /// Repetitions with other seeds.
    package static let repetitions = 1...100
}

/// Comma-separated numbers.
struct NumberList: Sendable {
    let values: [Float]

    init(parsing text: String) throws {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Float($0) }
        guard numbers.allSatisfy({ $0?.isFinite ?? false }) else {
            throw ValidationError("give comma-separated numbers, as in 0.485,0.456,0.406")
        }
        values = numbers.compactMap(\.self)
    }
}

/// Options whose value is one of a few words.
enum WordParsing {
    /// Reads one of a type's words.
    /// - Parameter kind: what the words name, in the singular.
    static func word<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ kind: String
    ) -> @Sendable (String) throws -> Value {
        { text in
            guard let value = Value(rawValue: text) else {
                let known = Value.allCases.map(\.rawValue)
                throw ValidationError(
                    "there is no \(kind) '\(text)'\(NearestName.hint(for: text, in: known)); use one of: "
                        + known.joined(separator: ", "))
            }
            return value
        }
    }

    /// The words for the shell to complete.
    static func completion<Value: RawRepresentable<String> & CaseIterable>(_ type: Value.Type) -> CompletionKind {
        .list(Value.allCases.map(\.rawValue))
    }
}

/// A method by its name.
struct MethodArgument: Sendable {
    let method: any UnlearningMethod

    static let completion = CompletionKind.list(UnlearningMethods.names)

    init(parsing name: String) throws {
        do {
            method = try UnlearningMethods.named(name)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

/// Methods by their names: `all`, or a comma-separated list.
struct MethodList: Sendable {
    let methods: [any UnlearningMethod]

    init(parsing text: String) throws {
        if text == "all" {
            methods = MethodComparison().methods
            return
        }
        var methods: [any UnlearningMethod] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let method = try MethodArgument(parsing: part.filter { !$0.isWhitespace }).method
            guard !methods.contains(where: { $0.name == method.name }) else {
                throw ValidationError("method '\(method.name)' is named twice; name each method once")
            }
            methods.append(method)
        }
        self.methods = methods
    }
}

extension CompletionKind {
    /// Models' files.
    package static let model = file(extensions: ["safetensors", "onnx", "mlpackage", "mlmodel"])
}
