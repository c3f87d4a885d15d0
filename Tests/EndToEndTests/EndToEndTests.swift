import Testing

/// The four programs as their users drive them: by the command line, the sockets and signals.
///
/// Each test has a box, a school and a teacher in a folder of its own and ends every process that
/// it started. The programs are those built beside the tests, or those in the folder that
/// `LENSCAP_PROGRAMS` names. `LENSCAP_RENEW_TRANSCRIPTS=1` writes the help transcripts anew
/// instead of comparing them; look at the difference before it is committed.
///
/// One at a time: a lesson needs the processor that another one would take.
@Suite(.serialized) struct EndToEndTests {}
