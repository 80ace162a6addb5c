internal import CProgramStart

/// What the program was called with.
enum ProgramArguments {
    /// The arguments, without the program's name.
    static let all: [String] = {
        let count = unlearn_argument_count()
        // Swift's own list is empty where /proc is not mounted.
        guard count > 0 else { return Array(CommandLine.arguments.dropFirst()) }
        return (1..<max(1, count)).map { String(cString: unlearn_argument($0)) }
    }()

    /// Whether a JSON object is asked for, also where the arguments cannot be understood.
    static var askForJSON: Bool { all.prefix { $0 != "--" }.contains("--json") }
}
