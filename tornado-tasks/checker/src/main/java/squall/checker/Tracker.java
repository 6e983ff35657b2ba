package squall.checker;

/** Looks at every access to the device copy of one array, during one launch. */
public class Tracker {

    private final DeviceBuffer buffer;
    private final String name;
    private final RaceMap races;

    /** {@code written}: some argument of the launch writes this memory; otherwise nothing can race. */
    Tracker(DeviceBuffer buffer, String name, boolean written) {
        this.buffer = buffer;
        this.name = name;
        this.races = written ? new RaceMap(buffer.size(), false) : null;
    }

    protected Tracker() {
        this(null, "", false);
    }

    static final String ADVICE = "Only globalBarrier() orders global memory, and only within a work-group; "
            + "between groups use two tasks";

    public void read(int index) {
        inRange(index);
        if (!buffer.isWritten(index)) {
            throw Probe.failure(Fault.UNINITIALISED, index, "element " + index + " of " + name
                    + " holds nothing: " + buffer.whyEmpty() + (races == null ? "" : ". " + ADVICE));
        }
        if (races != null) {
            RaceMap.Clash clash = races.read(index);
            if (clash != null) {
                throw Probe.race(name, index, false, clash, ADVICE);
            }
        }
    }

    public void write(int index) {
        inRange(index);
        Probe.launch.beforeWrite(index, name);
        if (races == null) {
            throw Probe.failure(Fault.DIALECT, index, name + " is written through a way that the lint does not see: "
                    + "call its set method");
        }
        RaceMap.Clash clash = races.write(index);
        if (clash != null) {
            throw Probe.race(name, index, true, clash, ADVICE);
        }
        buffer.markWritten(index);
    }

    private void inRange(int index) {
        if (index < 0 || index >= buffer.size()) {
            throw Probe.failure(Fault.OUT_OF_RANGE, index, "element " + index + " of " + name + ", which has " + buffer.size());
        }
    }
}
