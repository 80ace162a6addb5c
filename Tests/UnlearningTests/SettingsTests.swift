import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Settings by key", .tags(.unlearning))
struct SettingsTests {
    private static func builtIn(_ method: any UnlearningMethod) throws -> any BuiltInMethod {
        try #require(method as? any BuiltInMethod)
    }

    /// A method of the same type with other settings, unchecked.
    private static func decoded<Method: BuiltInMethod>(
        _ method: Method, _ value: JSONValue
    ) throws -> any BuiltInMethod {
        try value.decoded(as: Method.self)
    }

    private static func isPart(_ setting: SettingDescription) -> Bool {
        if case .group = setting.values { true } else { false }
    }

    private static func path(_ key: String) -> [String] { key.split(separator: ".").map(String.init) }

    @Test("every setting that a method encodes is described, and nothing else", arguments: UnlearningMethods.names)
    func keys(name: String) throws {
        let method = try Self.builtIn(UnlearningMethods.named(name))
        let values = try JSONValue(encoding: method)
        let descriptions = type(of: method).settings
        #expect(Set(descriptions.map(\.key)).count == descriptions.count)
        #expect(!type(of: method).source.isEmpty)
        for setting in descriptions {
            #expect(!setting.meaning.isEmpty)
            guard values[path: Self.path(setting.key)] == nil else { continue }
            let part = descriptions.contains { setting.key.hasPrefix($0.key + ".") && $0.isOptional }
            #expect(setting.isOptional || part, "\(name): \(setting.key)")
        }
        func check(_ value: JSONValue, _ key: String) {
            let setting = descriptions.first { $0.key == key }
            if let setting, !Self.isPart(setting) { return }
            guard case .object(let fields) = value else {
                Issue.record("\(name): \(key) is not described")
                return
            }
            for (field, inner) in fields { check(inner, key.isEmpty ? field : "\(key).\(field)") }
        }
        check(values, "")
    }

    @Test("the ranges are those that the methods check", arguments: UnlearningMethods.names)
    func ranges(name: String) throws {
        let method = try Self.builtIn(UnlearningMethods.named(name))
        let values = try JSONValue(encoding: method)
        for setting in type(of: method).settings {
            let path = Self.path(setting.key)
            guard values[path: path] != nil || setting.isOptional else { continue }
            let (inside, outside): ([JSONValue], [JSONValue])
            switch setting.values {
            case .integer(let range):
                inside = [.integer(range.lowerBound), .integer(range.upperBound)]
                outside = [.integer(range.lowerBound - 1), .integer(range.upperBound + 1)]
            case .number(let range):
                var ends = [(range.lower, range.includesLower, -1.0)]
                if let upper = range.upper { ends.append((upper, range.includesUpper, 1)) }
                inside = ends.map { .number($0.1 ? $0.0 : $0.0 - $0.2 * 0.001) }
                outside = ends.map { .number($0.1 ? $0.0 + $0.2 * 0.001 : $0.0) }
            default: continue
            }
            func changed(to value: JSONValue) throws -> any BuiltInMethod {
                var object = values
                object.set(value, at: path)
                return try Self.decoded(method, object)
            }
            for value in inside {
                #expect(throws: Never.self, "\(name): \(setting.key) = \(value)") { try changed(to: value).validate() }
            }
            for value in outside {
                #expect(throws: (any Error).self, "\(name): \(setting.key) = \(value)") {
                    try changed(to: value).validate()
                }
                #expect(throws: UnlearningError.self, "\(name): \(setting.key) = \(value)") {
                    try method.replacing([SettingOverride(setting.key, value)])
                }
            }
        }
    }

    @Test("a method with all its settings given again is the same", arguments: UnlearningMethods.names)
    func roundTrip(name: String) throws {
        let method = try UnlearningMethods.named(name)
        let values = try JSONValue(encoding: method)
        guard case .object(let fields) = values else { return }
        let again = try method.replacing(fields.map { SettingOverride($0.key, $0.value) })
        #expect(try JSONValue(encoding: again) == values)
        #expect(again.name == method.name)
    }

    @Test("texts are read as what a setting is, and the last part of a key is enough where it is the only one")
    func replacing() throws {
        let method = try SCRUB().replacing([
            SettingOverride("temperature", .text("2")), SettingOverride("training.learningRate", .text("3e-4")),
            SettingOverride("epochs", .text("5")), SettingOverride("training.frozen", .text("conv1, fc.bias")),
            SettingOverride("training.schedule", .text("one-cycle")), SettingOverride("clipping.norm", .text("1.5")),
            SettingOverride("optimizer.weightDecay", .text("0.1")),
        ])
        let scrub = try #require(method as? SCRUB)
        #expect(scrub.temperature == 2 && scrub.training.epochs == 5 && scrub.training.learningRate == 3e-4)
        #expect(scrub.training.frozen == ["conv1", "fc.bias"] && scrub.training.schedule == .oneCycle)
        #expect(
            scrub.training.clipping == .norm(1.5) && scrub.training.optimizer == .sgd(momentum: 0.9, weightDecay: 0.1))
    }

    @Test("forms keep what is not given, and take their defaults where they change")
    func forms() throws {
        let base = SCRUB(training: TrainingConfiguration(optimizer: .adam(beta1: 0.5, weightDecay: 0.2)))
        func optimizer(_ overrides: SettingOverride...) throws -> OptimizerConfiguration? {
            (try base.replacing(overrides) as? SCRUB)?.training.optimizer
        }
        #expect(
            try optimizer(SettingOverride("optimizer.adam.beta2", .number(0.9)))
                == .adam(beta1: 0.5, beta2: 0.9, weightDecay: 0.2))
        #expect(try optimizer(SettingOverride("optimizer", .text("sgd"))) == .sgd)
        let fields: [String: JSONValue] = ["momentum": .number(0.9), "nesterov": .boolean(true)]
        #expect(
            try optimizer(SettingOverride("optimizer", .object(["sgd": .object(fields)])))
                == .sgd(momentum: 0.9, nesterov: true))
        let schedule = try FineTuning().replacing([
            SettingOverride("schedule", .object(["step": .object(["every": .integer(3), "factor": .number(0.5)])]))
        ])
        #expect((schedule as? FineTuning)?.training.schedule == .step(every: 3, factor: 0.5))
    }

    @Test("a part goes and comes back")
    func parts() throws {
        let none = try #require(
            try PrototypeRepair.default.replacing([SettingOverride("guarding", .text("none"))]) as? PrototypeRepair)
        #expect(none.guarding == nil && none.name == "default")
        let back = try none.replacing([SettingOverride("guarding.tolerance", .text("0.5"))]) as? PrototypeRepair
        #expect(back?.guarding == RetainGuard(tolerance: 0.5))
        let rate = try PrototypeRepair.default.replacing([SettingOverride("learningRate", .text("3e-4"))])
        #expect((rate as? PrototypeRepair)?.learningRate == 3e-4)
    }

    @Test(
        "what is wrong is said",
        arguments: [
            ("scrub", "temprature", "2", "method 'scrub' has no setting 'temprature' (did you mean 'temperature'?)"),
            ("scrub", "training.epoch", "2", "(did you mean 'training.epochs'?)"),
            (
                "unsir", "learningRate", "2",
                "has several settings 'learningRate'; give one of configuration.noise.learningRate, "
            ),
            ("scrub", "temperature", "0", "temperature cannot be '0'; use above 0"),
            ("scrub", "epochs", "many", "training.epochs cannot be 'many'; use integer from 1 to 1000000"),
            ("scrub", "epochs", "1.5", "training.epochs cannot be '1.5'; use integer from 1"),
            (
                "scrub", "schedule", "linear",
                "training.schedule cannot be 'linear'; use constant | step (every, factor) | "
            ),
            ("scrub", "schedule", "step", "training.schedule cannot be 'step' alone; give its every too"),
            ("scrub", "schedule.step.every", "3", "give its factor too"),
            ("scrub", "optimizer.adam.speed", "3", "given a field 'speed' of 'adam'"),
            ("scrub", "temperature", "nan", "temperature cannot be 'nan'"),
            ("retrain", "epochs", "1", "method 'retrain' has no settings; leave 'epochs' out"),
        ])
    func errors(name: String, key: String, value: String, message: String) throws {
        let method = try UnlearningMethods.named(name)
        #expect {
            try method.replacing([SettingOverride(key, .text(value))])
        } throws: { error in
            let text = "\(error)"
            if !text.contains(message) { Issue.record("\(text)") }
            return text.contains(message)
        }
    }
}
