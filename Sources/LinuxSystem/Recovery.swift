/// What to do about an error; every error type of the house answers with one of these.
package enum Recovery: Hashable, Sendable {
    /// The same call may succeed later.
    case retry
    /// Close the source or stage and open it anew.
    case restartStage
    /// The session cannot go on.
    case endSession
    /// Somebody must do what the hint says; trying again alone does not help.
    case personMustAct(hint: String)
}
