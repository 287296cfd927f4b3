/* A panic inside comes out as a status. Needs a library with the feature `ffi-test-panic`. */

#include <stdbool.h>

#include "check.h"

/* Not in the header, because in no library that ships. */
tacita_status tacita_test_panic(uint64_t value, bool on_library_thread);

int main(void) {
    reset_outputs();
    REFUSED(BUG, tacita_test_panic(123456789, false));
    REFUSED(BUG, tacita_test_panic(123456789, true));
    /* The library goes on working, with its threads. */
    SUCCEEDS(tacita_threads(&out.size));
    return report();
}
