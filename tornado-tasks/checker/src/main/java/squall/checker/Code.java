package squall.checker;

import squall.checker.lint.Access;

/** What a task runs. */
sealed interface Code permits Kernel, LibraryCall {

    String name();

    Access access(int number);

    /** An argument in words. */
    String argument(int number);
}
