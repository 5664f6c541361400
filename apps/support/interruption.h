// SIGINT (Ctrl-C), SIGTERM and SIGHUP (the terminal is gone): the first asks the program to end in good
// order, the second ends it at once.
#pragma once

#include <string_view>

namespace keel::apps {

// From now on the first of these signals is remembered, and said on stderr; the second ends the program with
// its exit status, leaving files as they are. That nobody reads the output any more (SIGPIPE: Ctrl-C also
// ends the tee behind a pipe) ends nothing from now on, so that a run is saved first.
//   what: is done then, as the message says: "saving after this step"
void watch_for_interruption(std::string_view what = "saving after this step");

// Whether a signal has come. Any thread may ask.
bool interrupted();

// What a program that was interrupted returns: 128 and the signal's number, as shells have it. 130 for
// SIGINT, 143 for SIGTERM, 129 for SIGHUP.
int interrupted_status();

}  // namespace keel::apps
