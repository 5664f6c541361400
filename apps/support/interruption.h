// SIGINT (Ctrl-C) and SIGTERM: the first asks the program to end in good order, the second ends it at once.
#pragma once

namespace keel::apps {

// From now on the first of these signals is remembered, and said on stderr; the second ends the program with
// its exit status, leaving files as they are.
void watch_for_interruption();

// Whether a signal has come. Any thread may ask.
bool interrupted();

// What a program that was interrupted returns: 128 and the signal's number, as shells have it. 130 for
// SIGINT, 143 for SIGTERM.
int interrupted_status();

}  // namespace keel::apps
