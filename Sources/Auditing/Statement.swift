/// One bilingual page about a stretch of time: which sessions there were, or that there was none.
package enum Statement {
    /// `from` and `to` are Unix seconds, `to` not included; `date` gives a time as text.
    ///
    /// Refused where an entry inside, or the ones beside it, has a time that was not trusted:
    /// nobody could say then what was when.
    package static func page(
        _ copy: LogCopy,
        from: Int64,
        to: Int64,
        date: (Int64) -> String
    ) throws(AuditError) -> String {
        let verdict = try LogVerification.verify(copy)
        let events = try copy.lines.map { (line) throws(AuditError) in try LogEvent(line) }
        let inside = events.indices.filter { from <= events[$0].time && events[$0].time < to }
        let before = events.lastIndex { $0.time < from }
        let after = events.firstIndex { $0.time >= to }
        guard let before, let after else {
            throw .noStatement(
                "the log has no entry before and after this time, so it says nothing about it"
            )
        }
        guard before < after, inside.allSatisfy({ before < $0 && $0 < after }) else {
            throw .noStatement("the times in the log do not follow each other")
        }
        for index in [before] + inside + [after] where !events[index].isTimeTrusted {
            throw .noStatement("the box's clock was not trusted at entry \(index)")
        }
        return text(sessions(events, from, to, date), verdict, from, to, date)
    }

    /// The sessions that touch the time, a line each.
    ///
    /// From the intent on: a session that failed while its devices opened may have opened one. One
    /// without an end, which a power cut leaves, was over by the next boot or intent.
    private static func sessions(
        _ events: [LogEvent],
        _ from: Int64,
        _ to: Int64,
        _ date: (Int64) -> String
    ) -> [String] {
        events.indices.compactMap { index -> String? in
            guard events[index].type == "intent" else { return nil }
            let own = events[index...].filter { $0.intent == Int64(index) }
            let start = own.first { $0.type == "started" }?.time ?? events[index].time
            let stopped = own.first { $0.type == "stopped" }
            let next = events[(index + 1)...].first { ["boot", "intent"].contains($0.type) }
            let end = stopped?.time ?? next?.time ?? Int64.max
            guard events[index].time < to, end >= from else { return nil }
            let stop = stopped.map { date($0.time) + " (\($0.cause ?? ""))" } ?? "?"
            return "  \(date(start)) - \(stop): \(events[index].sources)"
        }
    }

    private static func text(
        _ sessions: [String],
        _ verdict: LogVerdict,
        _ from: Int64,
        _ to: Int64,
        _ date: (Int64) -> String
    ) -> String {
        let list = sessions.isEmpty ? "" : "\n" + sessions.joined(separator: "\n")
        let english =
            sessions.isEmpty
            ? "No camera or microphone was opened through Lenscap on this box."
            : "These sessions, each begun by a teacher's verified signature:"
        let welsh =
            sessions.isEmpty
            ? "Ni agorwyd camera na meicroffon drwy Lenscap ar y blwch hwn."
            : "Y sesiynau hyn, pob un wedi'i ddechrau gan lofnod athro a wiriwyd:"
        return """
            STATEMENT / DATGANIAD

            \(date(from)) - \(date(to)) (UTC)

            \(english)\(list)

            \(welsh)\(list)

            This follows from the box's own signed log of \(verdict.entries) entries,
            \(verdict.root)
            It cannot speak of somebody who controls the machine itself.

            Mae hyn yn dilyn o log y blwch ei hun, wedi'i lofnodi, o \(verdict.entries) cofnod.
            Ni all siarad am rywun sy'n rheoli'r peiriant ei hun.

            """
    }
}
