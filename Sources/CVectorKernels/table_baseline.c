// The vector loops for what every processor of the architecture has.
#define VK(name) vk_baseline_##name
#define VK_TABLE vk_table_baseline
#include "bodies/all.c"
