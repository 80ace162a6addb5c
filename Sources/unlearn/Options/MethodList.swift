import ArgumentParser
import Unlearning

/// Methods as the command line names them: `all`, or names with commas between them.
struct MethodList: Sendable {
    let methods: [any UnlearningMethod]

    init(parsing text: String) throws {
        if text == "all" {
            methods = UnlearningMethods.all
            return
        }
        var methods: [any UnlearningMethod] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let name = part.filter { !$0.isWhitespace }
            do {
                let method = try UnlearningMethods.named(name)
                guard !methods.contains(where: { $0.name == name }) else {
                    throw ValidationError("method '\(name)' is named twice; name each method once")
                }
                methods.append(method)
            } catch let error as UnlearningError {
                throw ValidationError(error.description)
            }
        }
        self.methods = methods
    }
}
