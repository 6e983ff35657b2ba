package squall.checker;

/** Ends the threads of work-items whose launch failed elsewhere. */
final class AbandonedLaunch extends RuntimeException {

    private static final long serialVersionUID = 1L;

    AbandonedLaunch() {
        super("the launch was given up", null, false, false);
    }
}
