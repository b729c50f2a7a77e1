#pragma once
#include <isa-l/igzip_lib.h>

// Sizes that depend on the build are macros, which Swift does not import.

static const unsigned int holdfast_isal_level1_default = ISAL_DEF_LVL1_DEFAULT;
static const unsigned int holdfast_isal_stream_end = ZSTATE_END;
