extension Unlearner {
    /// The unlearner without any guard, its method's own included: what comparisons run are the settings as they are.
    package var unguarded: Unlearner {
        var unlearner = self
        unlearner.guarding = nil
        unlearner.method = method.withoutGuard
        return unlearner
    }
}

extension UnlearningMethod {
    /// The method without a guard of its own; the same, if it has none.
    package var withoutGuard: any UnlearningMethod {
        if let method = self as? any BuiltInMethod { return method.unguarded }
        return self
    }
}
