/// What a folder is for in a data set that has folders for its splits.
package enum SplitRole {
    case training
    case test
    /// Judged on where there is no test.
    case validation
}

/// The names by which folders are known as splits: the one table of them.
///
/// Only letters and digits count, and their case does not: `Train`, `TRAIN` and `training_set` are the same as `train`. One
/// of the ``endings`` may follow.
package enum SplitNames {
    private static let roles: [String: SplitRole] = [
        "train": .training, "training": .training,
        "test": .test, "testing": .test, "holdout": .test, "heldout": .test,
        "val": .validation, "valid": .validation, "validation": .validation, "validate": .validation,
        "eval": .validation, "evaluation": .validation, "dev": .validation, "development": .validation,
    ]
    private static let endings = ["set", "data", "split", "images", "pictures", "photos"]

    /// The role of a folder of this name; nil if it is not a split's name.
    package static func role(of name: String) -> SplitRole? {
        let letters = String(name.lowercased().filter { $0.isLetter || $0.isNumber })
        if let role = roles[letters] { return role }
        for ending in endings where letters.hasSuffix(ending) {
            return roles[String(letters.dropLast(ending.count))]
        }
        return nil
    }

    /// Whether one of the name's words is a split's, as in `train2017` and `my test`.
    package static func resemblesSplit(_ name: String) -> Bool {
        name.split { !$0.isLetter }.contains { roles[$0.lowercased()] != nil }
    }
}
