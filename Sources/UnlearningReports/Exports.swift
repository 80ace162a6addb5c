// Reports need audits, so that one import gives both.
@_exported import Unlearning
