/// What the system hands to a process when it begins.
#ifndef CPROCESS_H
#define CPROCESS_H

/// The number of arguments, the name of the program among them.
int process_argument_count(void);

/// The arguments, with NULL at their end.
char *const *process_arguments(void);

/// The path by which the program was executed, as it was given to the system; NULL where it does not
/// say. A relative one holds for the folder in which the process began.
const char *process_executed_path(void);

#endif
