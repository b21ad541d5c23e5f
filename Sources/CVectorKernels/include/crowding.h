/// How loops are run on a machine whose processors others want too.
///
/// A loop that is divided over threads ends with the last of them. Beside other processes that may be after a whole
/// time slice, milliseconds for microseconds of work, and a thread that spins meanwhile uses up the share that it
/// would need later. So the time that the calling thread waits for others is measured. Where it is much, loops
/// run on the calling thread alone for a while, in the same blocks and with the same bits; then the team is tried
/// again, ever more seldom as long as the machine stays crowded, and not while others leave it too few processors.
#ifndef VK_CROWDING_H
#define VK_CROWDING_H

#include <stdint.h>

/// The time, in nanoseconds.
int64_t vk_now(void);
/// Whether the machine counts as crowded at a time, by what was measured.
int vk_is_crowded_at(int64_t now);
/// Whether a team would be no faster than the calling thread alone, since so many other threads run or could run on
/// so many processors.
int vk_is_team_in_vain(long others, long processors, int threads);
/// Whether the team is to be left alone at a time: on a crowded machine, and where it would be tried again in vain.
int vk_is_left_alone_at(int64_t now);
/// Takes note of a loop that the team ran.
///
/// - began, ended: of the whole.
/// - finished: when the calling thread's own share was done.
void vk_note_loop(int64_t began, int64_t finished, int64_t ended);

#endif
